import { spawn } from 'node:child_process'

export interface FileManager {
  /** Shows a folder to the person at this machine; false where nobody could see it (no desktop, no program for it). */
  open (folder: string): Promise<boolean>
}

const programs: Partial<Record<NodeJS.Platform, string>> = { win32: 'explorer.exe', darwin: 'open' }
const OTHERS = 'xdg-open'
/** A program that has not failed by then shows something. */
const PATIENCE_MS = 1500

/** The desktop's own program, without a shell; the folder is absolute, so it is never taken for an option. */
export function createFileManager ({ program = programs[process.platform] ?? OTHERS }: { program?: string } = {}): FileManager {
  return {
    open: async (folder) => await new Promise((resolve) => {
      const child = spawn(program, [folder], { stdio: 'ignore', detached: true, shell: false })
      const timer = setTimeout(() => { resolve(true) }, PATIENCE_MS)
      const end = (shown: boolean): void => {
        clearTimeout(timer)
        resolve(shown)
      }
      child.once('error', () => { end(false) })
      // Windows' explorer ends with 1 although it has opened the folder.
      child.once('exit', (code) => { end(code === 0 || process.platform === 'win32') })
      child.unref()
    })
  }
}

import { readFile, stat } from 'node:fs/promises'

/**
 * Whether the user ever chose a language, as the settings file says: a default that nobody saved yields to what the
 * browser asks for. A file that cannot be read counts as a choice, since its last good copy is in force then.
 */
export function createSavedLanguage (settingsFile: string): () => Promise<boolean> {
  let seen = ''
  let saved = false

  async function look (): Promise<void> {
    const { mtimeMs, size } = await stat(settingsFile)
    const identity = `${mtimeMs}:${size}`
    if (identity === seen) return
    const document: unknown = JSON.parse(await readFile(settingsFile, 'utf8'))
    saved = typeof document === 'object' && document !== null && Object.hasOwn(document, 'language')
    seen = identity
  }

  return async () => {
    try {
      await look()
    } catch (error) {
      saved = (error as NodeJS.ErrnoException).code !== 'ENOENT'
      seen = ''
    }
    return saved
  }
}

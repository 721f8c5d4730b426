import { stat } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { FileProblem } from './storage.ts'
import type { FolderPaths, StartupMessage } from './types.ts'

/** A mount that does not answer in this time is not waited for; it may well be there. */
const PATIENCE_MS = 1000

export function fileMessage (problem: FileProblem, runsFrom: 'copy' | 'defaults' | 'memory', file: string): StartupMessage {
  const used = { copy: 'The last good copy is used', defaults: 'Default settings are used', memory: 'The settings read before stay in use' }[runsFrom]
  const what = problem === 'invalid' ? 'settings.json is not valid JSON' : 'settings.json can\'t be read'
  return {
    code: problem === 'invalid' ? 'settings-json-invalid' : 'settings-json-unreadable',
    title: what,
    message: `${used}. The file is left as it is; the next change of a setting keeps it under another name.`,
    severity: 'error',
    dismissible: false,
    actions: [{ action: 'open-settings-location', label: 'Open settings folder', type: 'primary', icon: 'fas fa-folder-open' }],
    settings_file: file
  }
}

export function missingFoldersMessage (file: string): StartupMessage {
  return {
    code: 'missing-model-paths',
    title: 'No model folders found',
    message: 'None of the configured folders for LoRAs, checkpoints or embeddings exists. Name your model folders in the settings.',
    severity: 'warning',
    dismissible: true,
    actions: [
      { action: 'open-settings-modal', label: 'Open settings', type: 'primary', icon: 'fas fa-cog' },
      { action: 'open-settings-location', label: 'Open settings folder', type: 'secondary', icon: 'fas fa-folder-open' }
    ],
    settings_file: file
  }
}

/** Whether any configured folder is there. */
export async function anyFolderExists (folders: FolderPaths): Promise<boolean> {
  const paths = ['loras', 'checkpoints', 'embeddings', 'unet'].flatMap((key) => folders[key] ?? [])
  if (paths.length === 0) return false
  const patience = new AbortController()
  const found = Promise.any(paths.map(async (path) => {
    if ((await stat(path)).isDirectory()) return true
    throw new TypeError('not a directory')
  })).catch(() => false)
  const waited = delay(PATIENCE_MS, true, { signal: patience.signal, ref: false }).catch(() => true)
  const result = await Promise.race([found, waited])
  patience.abort()
  return result
}

import { isDeepStrictEqual } from 'node:util'
import { modelTypes } from '../models/types.ts'
import { isRecord } from './plain-data.ts'
import { legacyNames, settingRow } from './schema.ts'
import type { SettingsState } from './state.ts'

/** The top level of settings.json, key by key in the order of the file. A Map: no key can be anything but data. */
export type SettingsDocument = ReadonlyMap<string, unknown>

/** The document in a text, or undefined when the text is not one JSON object. */
export function parseDocument (text: string): SettingsDocument | undefined {
  let parsed: unknown
  try {
    // editors on Windows put a byte order mark before the text
    parsed = JSON.parse(text.startsWith('\uFEFF') ? text.slice(1) : text)
  } catch {
    return undefined
  }
  return isRecord(parsed) ? withCurrentNames(new Map(Object.entries(parsed))) : undefined
}

function withCurrentNames (document: Map<string, unknown>): SettingsDocument {
  for (const [former, current] of Object.entries(legacyNames)) {
    if (!document.has(former)) continue
    if (!document.has(current)) document.set(current, document.get(former))
    document.delete(former)
  }
  const template = document.get('download_path_template')
  const templates = document.get('download_path_templates')
  document.delete('download_path_template')
  const none = templates === undefined || (isRecord(templates) && Object.keys(templates).length === 0)
  if (typeof template === 'string' && none) {
    document.set('download_path_templates', Object.fromEntries(modelTypes.map(({ name }) => [name, template])))
  }
  return document
}

/**
 * The text of settings.json: keys in the order they had, new ones behind them; values that equal the default are left out,
 * except those that programs of the family expect to find. The library of one run is never part of it.
 */
export function documentText (state: SettingsState): string {
  const library = state.libraries.get(state.active)
  const values = new Map<string, unknown>(state.stored)
  for (const key of ['civitai_api_key', 'folder_paths']) {
    if (!values.has(key)) values.set(key, settingRow(key)?.fallback)
  }
  for (const [key, value] of Object.entries(library ?? {})) {
    if (settingRow(key)?.perLibrary) values.set(key, value)
  }
  values.set('libraries', Object.fromEntries(state.libraries))
  values.set('active_library', state.active)
  const written = [...values].filter(([key, value]) => value !== undefined && !isDefault(key, value))
  return `${JSON.stringify(Object.fromEntries(written), null, 2)}\n`
}

function isDefault (key: string, value: unknown): boolean {
  const row = settingRow(key)
  if (!row || row.alwaysWritten) return false
  const reading = row.kind.read(value)
  return 'value' in reading && isDeepStrictEqual(reading.value, row.fallback)
}

import type { ModelTypeName } from './types.ts'

/** What a path template is filled from; empty strings where nothing is known. */
export interface TemplateValues {
  baseModel: string
  /** The priority tag of the model, see services/settings/priority-tags.ts. */
  firstTag: string
  author: string
  modelName: string
  versionName: string
}

/** What a template may hold besides text. */
export const PLACEHOLDERS = ['{base_model}', '{first_tag}', '{author}', '{model_name}', '{version_name}'] as const

/** Default of a type whose template was never stored. */
export const DEFAULT_PATH_TEMPLATE = '{base_model}/{first_tag}'

// eslint-disable-next-line no-control-regex -- control characters are what is replaced
const FORBIDDEN_IN_NAMES = /[<>:"/\\|?*\u0000-\u001f]/g

/**
 * Makes one safe path segment of a text that came from elsewhere: no separators, no control characters,
 * no trailing dots or spaces, never `.` or `..`. "" stays "", a text of which nothing is left becomes "unnamed".
 */
export function safeSegment (text: string): string {
  if (text === '') return ''
  const cleaned = text.replace(FORBIDDEN_IN_NAMES, '_').trim().replace(/_+/g, '_')
  let end = cleaned.length
  while (end > 0 && ' ._'.includes(cleaned.charAt(end - 1))) end--
  let start = 0
  while (start < end && ' _'.includes(cleaned.charAt(start))) start++
  return cleaned.slice(start, end) || 'unnamed'
}

/** A mapping value may hold a nested folder: every segment is made safe on its own. */
function safeFolder (text: string): string {
  return text.split(/[\\/]/).map(safeSegment).filter((segment) => segment !== '').join('/')
}

/**
 * Folder below a root for a model, `/`-separated, "" for the root itself (an empty template is "flat").
 * `mappings` is the setting base_model_path_mappings (exact base model → folder).
 */
export function fillPathTemplate (template: string, values: TemplateValues, type: ModelTypeName, mappings: Record<string, string> = {}): string {
  if (template.trim() === '') return ''
  const mapped = Object.hasOwn(mappings, values.baseModel) ? mappings[values.baseModel] : undefined
  const filled: Record<(typeof PLACEHOLDERS)[number], string> = {
    '{base_model}': mapped === undefined ? safeSegment(values.baseModel) : safeFolder(mapped),
    '{first_tag}': safeSegment(values.firstTag),
    '{author}': safeSegment(values.author),
    '{model_name}': safeSegment(values.modelName),
    '{version_name}': safeSegment(values.versionName)
  }
  let path = template.replaceAll('\\', '/')
  for (const name of PLACEHOLDERS) path = path.split(name).join(filled[name])
  if (type === 'embedding') path = path.replaceAll(' ', '_')
  return path.split('/').filter((segment) => segment !== '' && segment !== '.' && segment !== '..').join('/')
}

/** Placeholders of a template that nobody knows; saving such a template is refused. */
export function unknownPlaceholders (template: string): string[] {
  return (template.match(/\{[^{}/]*\}/g) ?? []).filter((name) => !(PLACEHOLDERS as readonly string[]).includes(name))
}

import { Kind, type Static, type TObject, type TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

/** Remote data is bounded everywhere, also where no schema looks: lengths of texts and lists, keys, depth. */
const MOST = { text: 100_000, description: 500_000, items: 10_000, keys: 1000, depth: 16 }
/** Lists whose real lengths are known to be small. */
const lists: Readonly<Record<string, number>> = { modelVersions: 2000, files: 300, images: 500, tags: 500, trainedWords: 1000, mirrors: 100 }
const texts: Readonly<Record<string, number>> = { description: MOST.description, name: 1000, type: 200, baseModel: 200, username: 300, downloadUrl: 8000, url: 8000, format: 200 }

/** Clips a document in place, as parsed from JSON; what is nested too deep becomes null. */
export function clip (value: unknown, key = '', depth = 0): unknown {
  if (typeof value === 'string') return cut(value, texts[key] ?? MOST.text)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= MOST.depth) return null
  if (Array.isArray(value)) return value.slice(0, lists[key] ?? MOST.items).map((item) => clip(item, key, depth + 1))
  const clipped: Record<string, unknown> = {}
  for (const name of Object.keys(value).slice(0, MOST.keys)) {
    if (name !== '__proto__') clipped[cut(name, 200)] = clip((value as Record<string, unknown>)[name], name, depth + 1)
  }
  return clipped
}

function cut (text: string, length: number): string {
  return text.length <= length ? text : text.slice(0, length).replace(/[\uD800-\uDBFF]$/, '')
}

/** The document as the schema wants it, or null. Members that do not fit are left out, so that one odd field costs no model; unknown ones stay. */
export function fit<S extends TObject> (schema: S, value: unknown): Static<S> | null {
  const fitted = fitValue(schema, clip(value))
  return fitted === undefined ? null : fitted as Static<S>
}

function fitValue (schema: TSchema, value: unknown): unknown {
  switch (schema[Kind]) {
    case 'Object': return isRecord(value) ? fitObject(schema, value) : undefined
    case 'Array': return Array.isArray(value) ? value.map((item) => fitValue(schema.items, item)).filter((item) => item !== undefined) : undefined
    case 'Record': return isRecord(value) ? fitRecord(schema, value) : undefined
    case 'Union': {
      for (const branch of schema.anyOf as TSchema[]) {
        const fitted = fitValue(branch, value)
        if (fitted !== undefined) return fitted
      }
      return undefined
    }
    case 'Integer': {
      const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
      return Value.Check(schema, number) && Number.isSafeInteger(number) ? number : undefined
    }
    default: return Value.Check(schema, value) ? value : undefined
  }
}

function fitObject (schema: TSchema, value: Record<string, unknown>): Record<string, unknown> | undefined {
  const required = new Set<string>(schema.required ?? [])
  for (const [name, member] of Object.entries(schema.properties as Record<string, TSchema>)) {
    const given = Object.hasOwn(value, name) ? value[name] : undefined
    const fitted = given === undefined ? undefined : fitValue(member, given)
    if (fitted !== undefined) value[name] = fitted
    else if (required.has(name)) return undefined
    else delete value[name]
  }
  return value
}

function fitRecord (schema: TSchema, value: Record<string, unknown>): Record<string, unknown> {
  const [member] = Object.values(schema.patternProperties as Record<string, TSchema>)
  return Object.fromEntries(Object.entries(value).filter(([, item]) => member && Value.Check(member, item)))
}

function isRecord (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

import { baseModelFromHeader, recognisedBaseModel } from './base-model-names.ts'
import { EXCESSIVE, skipSpace, skipValue } from './json-spans.ts'
import { normalAutov3 } from './other-hashes.ts'
import { isObject, readObject, readText } from './read-value.ts'

export interface HeaderFacts {
  /** 12 lower-case hex digits, or "" (looked for and absent). */
  autov3: string
  /** Known name where the version string means one; null when the header says nothing. */
  baseModel: string | null
  /** Tags of the training captions with their counts, most frequent first. */
  trainedWords: [string, number][]
  classTokens: string | null
  title: string | null
  author: string | null
  description: string | null
  tags: string[]
}

type Metadata = Readonly<Record<string, string>>

/** Everything the header of a file tells; scans need only the two functions below. */
export function headerFacts (metadata: Metadata): HeaderFacts {
  return {
    autov3: headerAutov3(metadata),
    baseModel: headerBaseModel(metadata),
    trainedWords: trainedWords(metadata),
    classTokens: classTokens(metadata),
    title: member(metadata, 'modelspec.title') || null,
    author: member(metadata, 'modelspec.author') || null,
    description: member(metadata, 'modelspec.description') || null,
    tags: member(metadata, 'modelspec.tags').split(',').map((tag) => tag.trim()).filter(Boolean)
  }
}

export function headerAutov3 (metadata: Metadata): string {
  return normalAutov3(member(metadata, 'sshs_model_hash')) || normalAutov3(member(metadata, 'modelspec.hash_sha256'))
}

export function headerBaseModel (metadata: Metadata): string | null {
  const version = member(metadata, 'ss_base_model_version').trim()
  if (version) return baseModelFromHeader(version)
  return recognisedBaseModel(member(metadata, 'modelspec.architecture')) ?? null
}

function member (metadata: Metadata, key: string): string {
  return Object.hasOwn(metadata, key) ? readText(metadata[key]) : ''
}

/** Counts of all data sets together: `ss_tag_frequency` has one map per training folder. */
function trainedWords (metadata: Metadata): [string, number][] {
  const counts = new Map<string, number>()
  for (const frequencies of Object.values(readObject(parseBounded(member(metadata, 'ss_tag_frequency'))) ?? {})) {
    if (!isObject(frequencies)) continue
    for (const [tag, count] of Object.entries(frequencies)) {
      if (typeof count !== 'number' || !Number.isFinite(count)) continue
      counts.set(tag, (counts.get(tag) ?? 0) + count)
    }
  }
  return [...counts].sort((one, other) => other[1] - one[1])
}

function classTokens (metadata: Metadata): string | null {
  const datasets = parseBounded(member(metadata, 'ss_datasets'))
  const subsets = Array.isArray(datasets) ? readObject(datasets[0])?.subsets : undefined
  const first = Array.isArray(subsets) ? readObject(subsets[0]) : null
  return readText(first?.class_tokens) || null
}

/** JSON inside a header string; text that is broken or would take unreasonable memory counts as absent. */
function parseBounded (text: string): unknown {
  const bytes = Buffer.from(text)
  if (skipValue(bytes, skipSpace(bytes, 0), { depth: 16, parts: 2_000_000 }) === EXCESSIVE) return undefined
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

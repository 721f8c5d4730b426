import type { IndexedModel } from './entry.ts'

/** What of an entry repeats from model to model: one text, so that equal ones are read once. */
export type Traits = Pick<IndexedModel,
  'base_model' | 'preview_nsfw_level' | 'usage_tips' | 'metadata_source' | 'hf_url' | 'license_flags' | 'metadata_error' |
  'from_civitai' | 'favorite' | 'exclude' | 'db_checked' | 'civitai_deleted' | 'skip_metadata_refresh'> &
  { sub_type?: string, remote: { type: string } | null }

export function traitsText (model: Omit<IndexedModel, 'id'>): string {
  return JSON.stringify([
    model.base_model, model.preview_nsfw_level, model.usage_tips, model.metadata_source, model.hf_url, model.license_flags, model.metadata_error,
    Number(model.from_civitai), Number(model.favorite), Number(model.exclude), Number(model.db_checked), Number(model.civitai_deleted), Number(model.skip_metadata_refresh),
    model.sub_type ?? null, model.civitai?.model?.type ?? null
  ])
}

const MOST_TRAITS = 4096
const knownTraits = new Map<string, Traits>()

export function traitsOf (text: string): Traits {
  const known = knownTraits.get(text)
  if (known) return known
  if (knownTraits.size >= MOST_TRAITS) knownTraits.clear()
  const traits = readTraits(text)
  // A piece cut out of a text holds on to the whole of it: the one that is kept is made anew.
  knownTraits.set(Buffer.from(text).toString(), traits)
  return traits
}

function readTraits (text: string): Traits {
  const [base, level, tips, source, repository, license, problem, fromCivitai, favorite, exclude, checked, deleted, skip, subType, remoteType] = JSON.parse(text) as [
    string, number, string, string | null, string, number, string, number, number, number, number, number, number, string | null, string | null]
  return {
    base_model: base,
    preview_nsfw_level: level,
    usage_tips: tips,
    metadata_source: source,
    hf_url: repository,
    license_flags: license,
    metadata_error: problem,
    from_civitai: fromCivitai === 1,
    favorite: favorite === 1,
    exclude: exclude === 1,
    db_checked: checked === 1,
    civitai_deleted: deleted === 1,
    skip_metadata_refresh: skip === 1,
    ...(subType !== null && { sub_type: subType }),
    remote: remoteType === null ? null : Object.freeze({ type: remoteType })
  }
}

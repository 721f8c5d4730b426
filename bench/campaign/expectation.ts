/** One value that a client asked to be written. Times are `performance.now()`. */
interface Attempt { value: unknown, began: number, acknowledged: number | null }

/** What one field may hold, from what was asked and what was answered. */
class FieldLog {
  attempts: Attempt[]

  constructor (value: unknown) { this.attempts = [{ value, began: -Infinity, acknowledged: -Infinity }] }

  /** Values that no later acknowledged one has replaced; one without an answer may have been written or not. */
  allowed (): unknown[] {
    return this.attempts
      .filter(({ acknowledged }) => acknowledged === null || !this.attempts.some((later) => later.acknowledged !== null && later.began > acknowledged))
      .map(({ value }) => value)
  }

  settle (value: unknown): void { this.attempts = [{ value, began: -Infinity, acknowledged: -Infinity }] }
}

export interface Edit {
  /** The server has said that it is done. */
  acknowledge (): void
}

/** What must be true of one model, whatever happened to its files. */
export interface ExpectedModel {
  sha256: string
  hadPreview: boolean
  /** The sidecar as it was before anything was done. */
  original: Record<string, unknown>
  set (field: string, value: unknown): Edit
  addTags (tags: readonly string[]): Edit
  /** Complaints about a sidecar, none when it holds what it must; what it holds is the truth from here on. */
  judge (document: Record<string, unknown>): string[]
}

/** Written by the server itself, or checked in other ways. */
const OWN = new Set(['file_name', 'file_path', 'preview_url', 'preview_nsfw_level', 'tags', 'hash_status', 'autov3', 'last_checked_at'])

export function expectModel (original: Record<string, unknown>, hadPreview: boolean): ExpectedModel {
  const fields = new Map<string, FieldLog>()
  const acknowledgedTags = new Set(tagsOf(original))
  const log = (field: string): FieldLog => {
    const known = fields.get(field) ?? new FieldLog(original[field])
    fields.set(field, known)
    return known
  }

  function judgeTags (document: Record<string, unknown>): string[] {
    const held = new Set(tagsOf(document))
    const lost = [...acknowledgedTags].filter((tag) => !held.has(tag))
    for (const tag of held) acknowledgedTags.add(tag)
    return lost.map((tag) => `tag ${tag} is lost`)
  }

  return {
    sha256: String(original.sha256),
    hadPreview,
    original,
    set (field, value) {
      const attempt: Attempt = { value, began: performance.now(), acknowledged: null }
      log(field).attempts.push(attempt)
      return { acknowledge () { attempt.acknowledged = performance.now() } }
    },
    addTags: (tags) => ({ acknowledge () { for (const tag of tags) acknowledgedTags.add(tag) } }),
    judge (document) {
      const complaints = judgeTags(document)
      for (const [field, known] of fields) {
        if (!known.allowed().some((value) => same(value, document[field]))) complaints.push(`${field} is ${JSON.stringify(document[field])}, not one of ${JSON.stringify(known.allowed())}`)
        known.settle(document[field])
      }
      for (const [field, value] of Object.entries(original)) {
        if (!OWN.has(field) && !fields.has(field) && !same(value, document[field])) complaints.push(`${field} has changed by itself`)
      }
      return complaints
    }
  }
}

function tagsOf ({ tags }: Record<string, unknown>): string[] {
  return Array.isArray(tags) ? tags.map((tag) => String(tag).toLowerCase()) : []
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

import type { ModelEntry } from '../entry.ts'

const HUGGING_FACE = /^https?:\/\/huggingface\.co\/([^/?#]+)\/([^/?#]+)/i

/** An integer from a number or its decimal text, else 0 (ids of CivitAI are positive). */
export function positiveId (value: unknown): number {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value > 0 ? value : 0
  if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value)
  return 0
}

/** What makes models versions of one another: a CivitAI model id as text, `hf:owner/repo`, or null. */
export function groupKey (model: Pick<ModelEntry, 'civitai' | 'hf_url'>): string | null {
  const id = positiveId(model.civitai?.modelId)
  if (id > 0) return String(id)
  if (!model.hf_url) return null
  const match = HUGGING_FACE.exec(model.hf_url)
  return match ? `hf:${match[1]}/${match[2]}` : null
}

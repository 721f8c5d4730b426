import type { SlimCivitai } from './entry.ts'
import { readObject, readText, readTexts } from './read-value.ts'

/** The part of a CivitAI version that entries keep, as fresh objects; null when it says nothing. */
export function slimCivitai (civitai: unknown): SlimCivitai | null {
  const version = readObject(civitai)
  if (!version) return null
  const slim: SlimCivitai = {}
  const id = readId(version.id)
  if (id !== undefined) slim.id = id
  const modelId = readId(version.modelId)
  if (modelId !== undefined) slim.modelId = modelId
  const name = readText(version.name)
  if (name) slim.name = name
  const username = readText(readObject(version.creator)?.username)
  if (username) slim.creator = { username }
  const trainedWords = readTexts(version.trainedWords)
  if (trainedWords.length > 0) slim.trainedWords = trainedWords
  const type = readText(readObject(version.model)?.type)
  if (type) slim.model = { type }
  return Object.keys(slim).length > 0 ? slim : null
}

/** Ids are integers; some programs stored them as text. */
function readId (value: unknown): number | undefined {
  const id = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value
  return typeof id === 'number' && Number.isSafeInteger(id) && id !== 0 ? id : undefined
}

import { stat } from 'node:fs/promises'
import { NotFoundError } from '../errors.ts'
import { headerFacts } from './header-facts.ts'
import { readSafetensorsHeader } from './safetensors.ts'

export interface TrainedWords {
  /** Tags of the training captions with their counts, most frequent first. */
  trained_words: [string, number][]
  class_tokens: string | null
}

/**
 * What the trainer noted in the header; an unreadable header tells nothing.
 * @throws NotFoundError
 */
export async function readTrainedWords (path: string): Promise<TrainedWords> {
  const facts = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
    throw error
  })
  if (!facts?.isFile()) throw new NotFoundError('File not found')
  const header = readSafetensorsHeader(path)
  if ('error' in header) return { trained_words: [], class_tokens: null }
  const { trainedWords, classTokens } = headerFacts(header.metadata)
  return { trained_words: trainedWords, class_tokens: classTokens }
}

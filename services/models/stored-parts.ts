import type { OtherHashes, SlimCivitai } from './entry.ts'

/**
 * Parts of an entry that few requests look at stay the text they are stored as, and are parsed when asked for:
 * 100,000 lists of trigger words as arrays would be half of all that an index holds.
 */
export class StoredCivitai {
  declare id?: number
  declare modelId?: number
  declare name?: string
  declare creator?: { username: string }
  declare model?: { type: string }
  #words: string | null

  /** Values of what is known, null for the rest; `words` is the JSON of a list. */
  constructor (id: number | null, modelId: number | null, name: string | null, creator: { username: string } | null, words: string | null, model: { type: string } | null) {
    if (id !== null) this.id = id
    if (modelId !== null) this.modelId = modelId
    if (name !== null) this.name = name
    if (creator !== null) this.creator = creator
    if (model !== null) this.model = model
    this.#words = words
  }

  get trainedWords (): string[] | undefined {
    return this.#words === null ? undefined : JSON.parse(this.#words) as string[]
  }

  toJSON (): SlimCivitai {
    const { id, modelId, name, creator, trainedWords, model } = this
    return {
      ...(id !== undefined && { id }),
      ...(modelId !== undefined && { modelId }),
      ...(name !== undefined && { name }),
      ...(creator && { creator }),
      ...(trainedWords && { trainedWords }),
      ...(model && { model })
    }
  }
}

export class StoredHashes implements OtherHashes {
  #text: string

  constructor (text: string) {
    this.#text = text
  }

  get AutoV1 (): string { return this.#value('AutoV1') as string }
  get CRC32 (): string { return this.#value('CRC32') as string }
  get BLAKE3 (): string { return this.#value('BLAKE3') as string }

  toJSON (): OtherHashes { return JSON.parse(this.#text) as OtherHashes }

  /** Cut out of the text as it was written; only one with escapes needs to be parsed. */
  #value (name: keyof OtherHashes): string | undefined {
    const text = this.#text
    if (text.includes('\\')) return this.toJSON()[name]
    const key = `"${name}":"`
    const at = text.indexOf(key)
    return at < 0 ? undefined : text.slice(at + key.length, text.indexOf('"', at + key.length))
  }
}

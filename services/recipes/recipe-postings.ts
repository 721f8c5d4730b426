import { createSlices } from '../jobs/slices.ts'
import { createPostings, type Postings } from './postings.ts'
import type { RecipeFacts } from './recipe-row.ts'
import { factsOf, type StoredRecipe } from './recipe-store.ts'

/** What recipes are found by. Each table is made when it is prepared or first asked for, and kept in step from then on. */
export interface RecipePostings {
  readonly tag: Postings<string>
  readonly baseModel: Postings<string>
  readonly folder: Postings<string>
  readonly loraHash: Postings<string>
  /** Of LoRAs that have no hash. */
  readonly loraVersion: Postings<number>
  readonly checkpointHash: Postings<string>
  readonly checkpointVersion: Postings<number>
  /** Without blanks around it. */
  readonly source: Postings<string>
  readonly imageId: Postings<string>
  /** Takes note of a slot's recipe before and after a change. */
  change (slot: number, before: StoredRecipe | undefined, after: StoredRecipe | undefined): void
  /** Makes all tables in slices, so that whoever asks first need not wait for them. */
  prepare (): Promise<void>
  clear (): void
}

interface Table<Key> extends Pick<RecipePostings, 'change' | 'prepare' | 'clear'> { of (): Postings<Key> }

const given = (text: string): string[] => text === '' ? [] : [text]

export function createRecipePostings (entries: () => Iterable<[number, StoredRecipe]>): RecipePostings {
  function table<Key> (keysOf: (entry: StoredRecipe) => readonly Key[]): Table<Key> {
    let made: Postings<Key> | null = null
    /** The one that is being filled; what changes meanwhile goes into it at once. */
    let coming: Postings<Key> | null = null
    const put = (into: Postings<Key>, slot: number, entry: StoredRecipe): void => { for (const key of keysOf(entry)) into.add(key, slot) }
    return {
      of () {
        if (made) return made
        coming = null
        made = createPostings()
        for (const [slot, entry] of entries()) put(made, slot, entry)
        return made
      },
      change (slot, before, after) {
        const into = made ?? coming
        if (!into) return
        if (before) for (const key of keysOf(before)) into.remove(key, slot)
        if (after) put(into, slot, after)
      },
      async prepare () {
        if (made || coming) return
        const mine = createPostings<Key>()
        coming = mine
        const slices = createSlices()
        for (const [slot, entry] of entries()) {
          put(mine, slot, entry)
          await slices()
          if (coming !== mine) return
        }
        made = mine
        coming = null
      },
      clear () {
        made = null
        coming = null
      }
    }
  }
  const byFacts = <Key>(keysOf: (facts: RecipeFacts) => readonly Key[]): Table<Key> => table((entry) => keysOf(factsOf(entry)))
  const tables = {
    tag: byFacts((facts) => facts.tags),
    baseModel: byFacts((facts) => given(facts.baseModel)),
    folder: table(({ folder }) => [folder]),
    loraHash: byFacts((facts) => facts.hashes.filter((hash) => hash !== '')),
    loraVersion: byFacts((facts) => facts.versions.filter((version, at) => version > 0 && facts.hashes[at] === '')),
    checkpointHash: byFacts((facts) => given(facts.checkpoint)),
    checkpointVersion: byFacts((facts) => facts.checkpoint === '' && facts.checkpointVersion > 0 ? [facts.checkpointVersion] : []),
    source: byFacts((facts) => given(facts.source.trim())),
    imageId: byFacts((facts) => given(facts.imageId))
  }
  const all: readonly Table<never>[] = Object.values(tables) as Table<never>[]
  return {
    get tag () { return tables.tag.of() },
    get baseModel () { return tables.baseModel.of() },
    get folder () { return tables.folder.of() },
    get loraHash () { return tables.loraHash.of() },
    get loraVersion () { return tables.loraVersion.of() },
    get checkpointHash () { return tables.checkpointHash.of() },
    get checkpointVersion () { return tables.checkpointVersion.of() },
    get source () { return tables.source.of() },
    get imageId () { return tables.imageId.of() },
    change (slot, before, after) { for (const one of all) one.change(slot, before, after) },
    async prepare () { for (const one of all) await one.prepare() },
    clear () { for (const one of all) one.clear() }
  }
}

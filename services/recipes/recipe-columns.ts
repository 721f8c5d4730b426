import type { StoredRecipe } from './recipe-store.ts'

/** What filters and orders look at of every recipe, slot by slot in a row: a walk over 20,000 objects would wait for memory. */
export interface RecipeColumns {
  /** 0 unknown */
  readonly level: Uint8Array
  readonly favorite: Uint8Array
  readonly tagged: Uint8Array
  readonly loras: Uint16Array
  /** Of the id, for orders that only seem random. */
  readonly idHash: Uint32Array
  /** Seconds; what "newest" means. */
  readonly date: Float64Array
  put (slot: number, entry: StoredRecipe): void
}

const FIRST = 1024

export function createRecipeColumns (): RecipeColumns {
  let level = new Uint8Array(FIRST)
  let favorite = new Uint8Array(FIRST)
  let tagged = new Uint8Array(FIRST)
  let loras = new Uint16Array(FIRST)
  let idHash = new Uint32Array(FIRST)
  let date = new Float64Array(FIRST)

  function grow (size: number): void {
    const larger = <Column extends Uint8Array | Uint16Array | Uint32Array | Float64Array>(column: Column, made: Column): Column => {
      made.set(column)
      return made
    }
    level = larger(level, new Uint8Array(size))
    favorite = larger(favorite, new Uint8Array(size))
    tagged = larger(tagged, new Uint8Array(size))
    loras = larger(loras, new Uint16Array(size))
    idHash = larger(idHash, new Uint32Array(size))
    date = larger(date, new Float64Array(size))
  }

  return {
    get level () { return level },
    get favorite () { return favorite },
    get tagged () { return tagged },
    get loras () { return loras },
    get idHash () { return idHash },
    get date () { return date },
    put (slot, { level: shown, favorite: liked, tagCount, loraCount, recipeId, date: seconds }) {
      if (slot >= level.length) grow(2 * (slot + 1))
      level[slot] = Math.min(shown, 255)
      favorite[slot] = liked
      tagged[slot] = Number(tagCount > 0)
      loras[slot] = Math.min(loraCount, 65535)
      idHash[slot] = textHash(recipeId)
      date[slot] = seconds
    }
  }
}

export function textHash (text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash >>> 0
}

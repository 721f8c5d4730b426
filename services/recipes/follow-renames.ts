import type { ProgressHub } from '../progress/types.ts'
import { readText } from '../models/read-value.ts'
import { weightStem } from './checkpoint-entry.ts'
import type { RecipeShelf } from './ports.ts'
import type { RecipeLoraEntry } from './schema.ts'

interface Moved { model_type: string, from: string, to: string, sha256: string }

interface FollowDeps {
  hub: Pick<ProgressHub, 'subscribe'>
  recipes: Pick<RecipeShelf, 'byLoraHash' | 'edit'>
  warn: (message: string, error: unknown) => void
}

/** Writes the new names of renamed LoRAs into the recipes that use them, behind the requests; returns the way to stop. */
export function followRenames ({ hub, recipes, warn }: FollowDeps): () => Promise<void> {
  let tail: Promise<void> = Promise.resolve()
  let stopped = false

  async function follow ({ from, to, sha256 }: Moved): Promise<void> {
    const [before, now] = [weightStem(from), weightStem(to)]
    for (const id of recipes.byLoraHash(sha256)) {
      if (stopped) return
      // a recipe that can't be written still finds its LoRA by the hash
      await recipes.edit(id, (document) => ({ ...document, loras: document.loras.map((entry) => renamed(entry, before, now)) }), { route: 'rename-model', summary: `Follow the new name of ${before}: ${now}` })
        .catch((error: unknown) => { warn('a recipe does not follow the new name of its LoRA', error) })
    }
  }

  const unsubscribe = hub.subscribe({
    bufferedAmount: 0,
    send (text) {
      if (!text.includes('"model.moved"')) return
      const { type, data } = JSON.parse(text) as { type: string, data: Moved }
      const isRename = type === 'model.moved' && data.model_type === 'lora' && data.sha256 !== '' && weightStem(data.from) !== weightStem(data.to)
      if (isRename && !stopped) tail = tail.then(async () => { await follow(data) })
    }
  })
  return async () => {
    stopped = true
    unsubscribe()
    await tail
  }
}

/** Only entries that bear the old name: one that was renamed by hand keeps what it was given. */
function renamed (entry: RecipeLoraEntry, before: string, now: string): RecipeLoraEntry {
  const name = readText(entry.file_name)
  return weightStem(name) === before ? { ...entry, file_name: name.slice(0, name.lastIndexOf('/') + 1) + now } : entry
}

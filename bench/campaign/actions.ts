import type { Random } from '../random.ts'
import type { CampaignAnswer, CampaignClient } from './client.ts'
import type { Edit, ExpectedModel } from './expectation.ts'

export interface LiveModel { expected: ExpectedModel, path: string }

/** What the clients know while they work: where models were seen last, and what could be undone. */
export interface Stage {
  client: CampaignClient
  random: Random
  /** Models believed in place. */
  models: LiveModel[]
  /** Ids of deletions that can be undone. */
  deletions: string[]
  /** The root of the LoRAs. */
  root: string
  folders: string[]
  /** PNG images of a few sizes. */
  images: readonly Buffer[]
  /** Grows with every use, so that every value written is another one. */
  serial: number
}

export type Action = (stage: Stage) => Promise<CampaignAnswer | null>

const LORAS = '/api/lm/loras'
const ok = (answer: CampaignAnswer | null): answer is CampaignAnswer => answer !== null && answer.status === 200

function some (stage: Stage, count: number): LiveModel[] {
  return [...new Set(Array.from({ length: count }, () => stage.random.pick(stage.models)))]
}

function target (stage: Stage): string {
  // Now and then a folder that is not there yet.
  const folder = stage.random.chance(0.2) ? `new-${stage.serial++ % 40}` : stage.random.pick(stage.folders)
  return folder === '' ? stage.root : `${stage.root}/${folder}`
}

async function edit (stage: Stage, model: LiveModel, fields: Record<string, unknown>): Promise<CampaignAnswer | null> {
  const edits: Edit[] = Object.entries(fields).map(([field, value]) => model.expected.set(field, value))
  const answer = await stage.client.post(`${LORAS}/save-metadata`, { file_path: model.path, ...fields })
  if (ok(answer)) for (const one of edits) one.acknowledge()
  return answer
}

const forget = (stage: Stage, paths: ReadonlySet<string>): void => {
  stage.models = stage.models.filter(({ path }) => !paths.has(path))
}

/** Everything a client does to models, with how often it does it. */
export const actions: Record<string, { weight: number, run: Action }> = {
  'save-notes': { weight: 18, run: (stage) => edit(stage, stage.random.pick(stage.models), { notes: `note ${stage.serial++} über Größe\n"quoted"` }) },
  'save-fields': { weight: 10, run: (stage) => edit(stage, stage.random.pick(stage.models), { favorite: stage.random.chance(0.5), usage_tips: JSON.stringify({ strength: stage.serial++ }) }) },
  'add-tags': {
    weight: 18,
    async run (stage) {
      const model = stage.random.pick(stage.models)
      const tags = [`tag-${stage.serial++}`]
      const added = model.expected.addTags(tags)
      const answer = await stage.client.post(`${LORAS}/add-tags`, { file_path: model.path, tags })
      if (ok(answer)) added.acknowledge()
      return answer
    }
  },
  rename: {
    weight: 10,
    async run (stage) {
      const model = stage.random.pick(stage.models)
      const answer = await stage.client.post(`${LORAS}/rename`, { file_path: model.path, new_file_name: `renamed.v${stage.serial++}` })
      if (ok(answer)) model.path = String(answer.json.new_file_path)
      return answer
    }
  },
  move: {
    weight: 12,
    async run (stage) {
      const model = stage.random.pick(stage.models)
      const answer = await stage.client.post(`${LORAS}/move_model`, { file_path: model.path, target_path: target(stage) })
      if (ok(answer)) model.path = String(answer.json.new_file_path)
      return answer
    }
  },
  'bulk-move': {
    weight: 5,
    async run (stage) {
      const models = some(stage, fewOrMany(stage, 8))
      const answer = await stage.client.post(`${LORAS}/move_models_bulk`, { file_paths: models.map(({ path }) => path), target_path: target(stage) })
      if (ok(answer)) follow(models, answer.json.results)
      return answer
    }
  },
  delete: {
    weight: 8,
    async run (stage) {
      const model = stage.random.pick(stage.models)
      forget(stage, new Set([model.path]))
      const answer = await stage.client.post(`${LORAS}/delete`, { file_path: model.path })
      if (ok(answer) && typeof answer.json.batch_id === 'string') stage.deletions.push(answer.json.batch_id)
      return answer
    }
  },
  'bulk-delete': {
    weight: 4,
    async run (stage) {
      const paths = some(stage, fewOrMany(stage, 6)).map(({ path }) => path)
      forget(stage, new Set(paths))
      const answer = await stage.client.post(`${LORAS}/bulk-delete`, { file_paths: paths })
      if (ok(answer) && typeof answer.json.batch_id === 'string') stage.deletions.push(answer.json.batch_id)
      return answer
    }
  },
  'undo-delete': {
    weight: 10,
    async run (stage) {
      const id = stage.deletions.pop()
      return id === undefined ? null : await stage.client.post('/api/lm/undo-delete', { batch_id: id })
    }
  },
  'undo-operation': {
    weight: 5,
    async run (stage) {
      const list = await stage.client.get('/api/v1/operations?limit=20')
      const undoable = (list?.json.items ?? []) as { id: string, kind: string, undoable: boolean }[]
      // Edits are not undone: what was acknowledged must stay.
      const found = undoable.filter(({ kind, undoable }) => undoable && /move|rename|organize|delete/.test(kind))
      return found.length === 0 ? null : await stage.client.post(`/api/v1/operations/${stage.random.pick(found).id}/undo`, {})
    }
  },
  'replace-preview': {
    weight: 6,
    async run (stage) {
      const model = stage.random.pick(stage.models)
      const level = stage.serial++
      const form = new FormData()
      form.set('model_path', model.path)
      form.set('nsfw_level', String(level))
      form.set('preview_file', new Blob([stage.random.pick(stage.images)], { type: 'image/png' }), 'preview.png')
      const replaced = model.expected.set('preview_nsfw_level', level)
      const answer = await stage.client.upload(`${LORAS}/replace-preview`, form)
      if (ok(answer)) replaced.acknowledge()
      return answer
    }
  },
  organize: {
    weight: 2,
    run: (stage) => stage.client.post(`${LORAS}/auto-organize`, { file_paths: some(stage, fewOrMany(stage, 12)).map(({ path }) => path) })
  },
  restore: {
    weight: 3,
    async run (stage) {
      const trash = await stage.client.get('/api/v1/trash?limit=20')
      const batches = ((trash?.json.items ?? []) as { id: string, kind: string }[]).filter(({ kind }) => kind.includes('delete'))
      return batches.length === 0 ? null : await stage.client.post(`/api/v1/trash/${stage.random.pick(batches).id}/restore`, {})
    }
  }
}

function follow (models: readonly LiveModel[], results: unknown): void {
  for (const result of Array.isArray(results) ? results as Record<string, unknown>[] : []) {
    const model = models.find(({ path }) => path === result.original_file_path)
    if (model && result.success === true && typeof result.new_file_path === 'string') model.path = result.new_file_path
  }
}

const TOTAL = Object.values(actions).reduce((sum, { weight }) => sum + weight, 0)

export function pickAction (random: Random): string {
  let left = random.below(TOTAL)
  for (const [name, { weight }] of Object.entries(actions)) {
    left -= weight
    if (left < 0) return name
  }
  return 'save-notes'
}

/** From some thirty on the journal works in a thread of its own. */
function fewOrMany ({ random }: Stage, few: number): number {
  return random.below(3) === 0 ? 60 : few
}

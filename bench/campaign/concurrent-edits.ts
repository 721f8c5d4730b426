import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeSettings } from '../built-server.ts'
import { makeLibrary } from '../library.ts'
import { createRandom } from '../random.ts'
import type { Complaint } from './check.ts'
import { startChildServer } from './child-server.ts'
import { createCampaignClient, listAll, type CampaignClient } from './client.ts'
import { readDisk } from './disk.ts'

export interface EditOptions { directory: string, serverFile: string, seed: number, files: number, edits: number }
export interface EditReport { edits: number, acknowledged: number, complaints: Complaint[], milliseconds: number }

/** What one of the clients writes: each has fields of its own, so that nothing may be lost by either. */
const fieldsOf = (client: number): string[] => client === 0 ? ['notes', 'usage_tips'] : ['base_model', 'modelDescription']

/** Two clients edit the same sidecars at the same time; every acknowledged field and tag must be there in the end. */
export async function editTogether ({ directory, serverFile, seed, files, edits }: EditOptions): Promise<EditReport> {
  rmSync(directory, { recursive: true, force: true })
  mkdirSync(directory, { recursive: true })
  const library = join(directory, 'library')
  const settings = join(directory, 'settings')
  makeLibrary({ directory: library, models: files, seed, previews: 0 })
  writeSettings(settings, library)
  const server = await startChildServer({ serverFile, settings })
  try {
    await server.ready()
    const paths = readDisk([join(library, 'loras')]).models.map(({ path }) => path)
    const began = performance.now()
    const client = createCampaignClient(server.base)
    const written = await Promise.all([0, 1].map(async (number) => await edit(client, number, { paths, edits: Math.ceil(edits / 2), seed })))
    const milliseconds = Math.round(performance.now() - began)
    const complaints = [...judge(written, new Map(readDisk([join(library, 'loras')]).sidecars.map(({ path, document }) => [path, document ?? {}]))), ...written.flatMap(({ refused }) => refused)]
    const items = new Map((await listAll(server.base, 'loras')).map((item) => [String(item.file_path).replace(/\.safetensors$/, '.metadata.json'), item]))
    complaints.push(...judge(written, items, ['notes', 'base_model', 'usage_tips']))
    return { edits, acknowledged: written.reduce((sum, { acknowledged }) => sum + acknowledged, 0), complaints, milliseconds }
  } finally {
    await server.kill()
  }
}

interface Written {
  /** Path of the sidecar → field → last acknowledged value. */
  fields: Map<string, Map<string, unknown>>
  tags: Map<string, string[]>
  acknowledged: number
  refused: Complaint[]
}

/** One client: its own edits one after the other, four at a time on different files. */
async function edit (client: CampaignClient, number: number, { paths, edits, seed }: { paths: readonly string[], edits: number, seed: number }): Promise<Written> {
  const random = createRandom(seed + number)
  const written: Written = { fields: new Map(), tags: new Map(), acknowledged: 0, refused: [] }
  let next = 0
  const lanes = Array.from({ length: 4 }, async (_, lane) => {
    const own = paths.filter((_path, index) => index % 4 === lane)
    while (next < edits) await editOne(client, `${number}-${next++}`, { path: random.pick(own), field: random.pick(fieldsOf(number)), tags: random.chance(0.3), written })
  })
  await Promise.all(lanes)
  return written
}

async function editOne (client: CampaignClient, value: string, { path, field, tags, written }: { path: string, field: string, tags: boolean, written: Written }): Promise<void> {
  const content = field === 'usage_tips' ? JSON.stringify({ value }) : value
  const answer = tags
    ? await client.post('/api/lm/loras/add-tags', { file_path: path, tags: [value] })
    : await client.post('/api/lm/loras/save-metadata', { file_path: path, [field]: content })
  if (answer?.status !== 200) {
    written.refused.push({ kind: 'refused', text: `an edit was answered ${answer?.status}: ${JSON.stringify(answer?.json)}` })
    return
  }
  written.acknowledged++
  const sidecar = path.replace(/\.safetensors$/, '.metadata.json')
  if (tags) written.tags.set(sidecar, [...written.tags.get(sidecar) ?? [], value])
  else written.fields.set(sidecar, (written.fields.get(sidecar) ?? new Map<string, unknown>()).set(field, content))
}

function judge (written: readonly Written[], documents: ReadonlyMap<string, Record<string, unknown>>, only?: readonly string[]): Complaint[] {
  const complaints: Complaint[] = []
  for (const { fields, tags } of written) {
    for (const [path, values] of fields) {
      for (const [field, value] of values) {
        if (only?.includes(field) === false) continue
        if (documents.get(path)?.[field] !== value) complaints.push({ kind: 'lost-field', text: `${field} of ${path} is ${JSON.stringify(documents.get(path)?.[field])}, not ${String(value)}` })
      }
    }
    for (const [path, values] of tags) {
      const held = new Set(documents.get(path)?.tags as string[] | undefined)
      for (const tag of values) if (!held.has(tag)) complaints.push({ kind: 'lost-field', text: `tag ${tag} of ${path}` })
    }
  }
  return complaints
}

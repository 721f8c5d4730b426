import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { writeSettings } from '../built-server.ts'
import { drawLandscape } from '../drawing.ts'
import { makeLibrary } from '../library.ts'
import { createRandom, type Random } from '../random.ts'
import { actions, pickAction, type Stage } from './actions.ts'
import { check, compareWithRebuild, type Complaint, type Expectations } from './check.ts'
import { startChildServer, type ChildServer } from './child-server.ts'
import { createCampaignClient } from './client.ts'
import { readDisk, type DiskState } from './disk.ts'
import { expectModel, type ExpectedModel } from './expectation.ts'

export interface CampaignOptions {
  /** Emptied and used. */
  directory: string
  serverFile: string
  kills: number
  models: number
  seed: number
  /** After so many kills the index is compared with one that is made anew. */
  rebuildEvery?: number
  /** No kill before so many changes were acknowledged since the last one; on a slow machine the moment alone may come too early. */
  leastAnswered?: number
  /** Told after every kill. */
  onKill? (done: number, complaints: readonly Complaint[]): void
}

export interface CampaignReport {
  seed: number
  models: number
  kills: number
  killsWhileStarting: number
  /** Answers by action and status; 0 counts requests that the kill cut off. */
  answers: Record<string, Record<number, number>>
  rebuilds: number
  complaints: (Complaint & { kill: number })[]
  seconds: number
}

const CLIENTS = 4
/** A kill comes at a random moment of this many milliseconds. */
const MOST_WORK = 700
const MOST_STARTING = 900
const PREFIXES = ['loras', 'checkpoints', 'embeddings'] as const

/** Clients change a library, the server is killed, and what it acknowledged must be there when it comes back; again and again. */
export async function runCampaign (options: CampaignOptions): Promise<CampaignReport> {
  const began = performance.now()
  const { rebuildEvery = 10 } = options
  const random = createRandom(options.seed)
  const settings = join(options.directory, 'settings')
  const library = join(options.directory, 'library')
  rmSync(options.directory, { recursive: true, force: true })
  mkdirSync(options.directory, { recursive: true })
  makeLibrary({ directory: library, models: options.models, seed: options.seed })
  writeSettings(settings, library)
  const expectations = expect(library)
  const report: CampaignReport = { seed: options.seed, models: options.models, kills: 0, killsWhileStarting: 0, answers: {}, rebuilds: 0, complaints: [], seconds: 0 }
  const stage: Stage = { client: createCampaignClient(''), random, models: [], deletions: [], root: join(library, 'loras'), folders: ['', 'a', 'a/b', 'c'], images: [40, 700].map((width) => drawLandscape(random, width, width, 0.01)), serial: 1 }

  let server = await startChildServer({ serverFile: options.serverFile, settings })
  try {
    await server.ready()
    report.complaints.push(...await judge(server, expectations, stage, report, rebuildEvery))
    while (report.kills < options.kills) {
      await work(server, stage, report, options.leastAnswered ?? 0)
      server = await startChildServer({ serverFile: options.serverFile, settings })
      server = await killWhileStarting(server, { random, report, start: () => startChildServer({ serverFile: options.serverFile, settings }) })
      await server.ready()
      const complaints = await judge(server, expectations, stage, report, rebuildEvery)
      report.complaints.push(...complaints)
      options.onKill?.(report.kills, complaints)
    }
  } finally {
    await server.kill()
  }
  report.seconds = Math.round((performance.now() - began) / 100) / 10
  return report
}

/** What was laid out: contents with their number, and sidecars of the models that can be told by their content. */
function expect (library: string): Expectations {
  const roots = Object.fromEntries(PREFIXES.map((prefix) => [prefix, join(library, prefix)]))
  const disk = readDisk(Object.values(roots))
  const contents = new Map<string, number>()
  for (const { sha256 } of disk.models) contents.set(sha256, (contents.get(sha256) ?? 0) + 1)
  const media = new Set(disk.media)
  const models = new Map<string, ExpectedModel>()
  for (const { path, sha256 } of readDisk([join(library, 'loras')]).models) {
    if (contents.get(sha256) !== 1) continue
    const stem = path.slice(0, -'.safetensors'.length)
    const original = JSON.parse(readFileSync(`${stem}.metadata.json`, 'utf8')) as Record<string, unknown>
    models.set(sha256, expectModel(original, media.has(`${stem}.png`)))
  }
  return { roots, contents, models }
}

/** Several clients at once, until the server is killed at a random moment. */
async function work (server: ChildServer, stage: Stage, report: CampaignReport, leastAnswered: number): Promise<void> {
  stage.client = createCampaignClient(server.base)
  const over = new AbortController()
  const clients = Array.from({ length: CLIENTS }, async () => {
    while (!over.signal.aborted && stage.models.length > 0) {
      const name = pickAction(stage.random)
      const answer = await actions[name]?.run(stage)
      const status = answer?.status ?? 0
      const counts = report.answers[name] ??= {}
      counts[status] = (counts[status] ?? 0) + 1
      if (status >= 500 && status !== 503) report.complaints.push({ kill: report.kills, kind: 'failure', text: `${name} answered ${status}: ${JSON.stringify(answer?.json)}` })
      // Nothing to undo, or the server is gone.
      if (status === 0) await delay(5)
    }
  })
  const wanted = acknowledged(report) + leastAnswered
  await delay(stage.random.below(MOST_WORK))
  while (acknowledged(report) < wanted && stage.models.length > 0) await delay(5)
  await server.kill()
  over.abort()
  await Promise.all(clients)
  report.kills++
}

/** Changes that were answered with success. */
export function acknowledged ({ answers }: Pick<CampaignReport, 'answers'>): number {
  return Object.values(answers).reduce((sum, counts) => sum + (counts[200] ?? 0), 0)
}

/** Now and then a start is killed too: whatever it was recovering has to be recovered once more. */
async function killWhileStarting (server: ChildServer, { random, report, start }: { random: Random, report: CampaignReport, start: () => Promise<ChildServer> }): Promise<ChildServer> {
  let current = server
  while (random.chance(0.15)) {
    await delay(random.below(MOST_STARTING))
    await current.kill()
    report.kills++
    report.killsWhileStarting++
    current = await start()
  }
  return current
}

async function judge (server: ChildServer, expectations: Expectations, stage: Stage, report: CampaignReport, rebuildEvery: number): Promise<CampaignReport['complaints']> {
  const { complaints, disk } = await check(server.base, expectations)
  takeStock(stage, disk, expectations)
  if (stage.models.length < expectations.models.size / 2) await restoreAll(server, stage, expectations)
  if (Math.floor(report.kills / rebuildEvery) > report.rebuilds) {
    report.rebuilds = Math.floor(report.kills / rebuildEvery)
    complaints.push(...await compareWithRebuild(server.base, PREFIXES))
  }
  return complaints.map((complaint) => ({ kill: report.kills, ...complaint }))
}

/** Where the models are, from the disk: answers that the kill cut off left it open. */
function takeStock (stage: Stage, disk: DiskState, { models }: Expectations): void {
  stage.models = disk.models.flatMap(({ path, sha256 }) => {
    const expected = models.get(sha256)
    return expected && path.startsWith(`${stage.root}/`) ? [{ expected, path }] : []
  })
}

async function restoreAll (server: ChildServer, stage: Stage, expectations: Expectations): Promise<void> {
  const client = createCampaignClient(server.base)
  const trash = await client.get('/api/v1/trash?limit=200')
  for (const { id, kind } of (trash?.json.items ?? []) as { id: string, kind: string }[]) {
    if (kind.includes('delete')) await client.post(`/api/v1/trash/${id}/restore`, {})
  }
  takeStock(stage, readDisk([stage.root]), expectations)
}

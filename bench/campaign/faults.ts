import { spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { writeSettings } from '../built-server.ts'
import { makeLibrary } from '../library.ts'
import type { Complaint } from './check.ts'
import { startChildServer, type ChildServer } from './child-server.ts'
import { createCampaignClient, type CampaignAnswer, type CampaignClient } from './client.ts'
import { hashOf, readDisk, type DiskState } from './disk.ts'

export interface FaultReport { name: string, skipped: string | null, answers: number[], complaints: Complaint[] }

interface FaultOptions { directory: string, serverFile: string, seed: number }

/** A running server on a small library, and a second root somewhere else. */
interface Scene {
  client: CampaignClient
  server: ChildServer
  loras: string
  other: string
  roots: string[]
  before: DiskState
}

interface Fault {
  name: string
  /** Where the second root lies; null when this machine can't have one there. */
  place (directory: string): { path: string, clean: () => void } | string
  play (scene: Scene, report: FaultReport): Promise<void>
  /** Rights mean nothing to root: then the server runs as nobody. */
  needsRights?: boolean
}

const NOBODY = 65534

const MODELS = 40

/** Each trouble on a library of its own: whatever the server answers, nothing may be lost. */
export async function runFaults (options: FaultOptions): Promise<FaultReport[]> {
  const reports: FaultReport[] = []
  for (const fault of faults) {
    const report: FaultReport = { name: fault.name, skipped: null, answers: [], complaints: [] }
    reports.push(report)
    const directory = join(options.directory, fault.name)
    rmSync(directory, { recursive: true, force: true })
    mkdirSync(directory, { recursive: true })
    const place = fault.place(directory)
    if (typeof place === 'string') report.skipped = place
    else await playOn(fault, { ...options, directory }, place, report).finally(() => { place.clean() })
    process.stdout.write(`${fault.name}: ${report.skipped ?? `answers ${[...new Set(report.answers)].join(' ')}, ${report.complaints.length} complaints`}\n`)
  }
  return reports
}

async function playOn (fault: Fault, { directory, serverFile, seed }: FaultOptions, place: { path: string }, report: FaultReport): Promise<void> {
  const library = join(directory, 'library')
  const settings = join(directory, 'settings')
  makeLibrary({ directory: library, models: MODELS, seed })
  mkdirSync(settings)
  const loras = join(library, 'loras')
  writeFileSync(join(settings, 'settings.json'), JSON.stringify({ folder_paths: { loras: [loras, place.path] } }))
  writeSettings(settings, library)
  const roots = [loras, place.path]
  const user = fault.needsRights && process.getuid?.() === 0 ? NOBODY : undefined
  if (user !== undefined) giveTo(user, directory)
  const server = await startChildServer({ serverFile, settings, user })
  try {
    await server.ready()
    const scene: Scene = { client: createCampaignClient(server.base), server, loras, other: place.path, roots, before: readDisk(roots) }
    await fault.play(scene, report)
    report.complaints.push(...compareSets(scene.before, readDisk(roots)))
    if (server.crashed()) report.complaints.push({ kind: 'crash', text: 'the server ended by itself' })
  } finally {
    await server.kill()
  }
}

/** The library and its settings to a user who may also come there. */
function giveTo (user: number, directory: string): void {
  spawnSync('chown', ['-R', `${user}:${user}`, directory])
  for (const parent of [dirname(directory), dirname(dirname(directory))]) chmodSync(parent, statSync(parent).mode | 0o011)
}

/** The same bytes as before, somewhere, each model with its sidecar. */
function * compareSets (before: DiskState, after: DiskState): Iterable<Complaint> {
  const contents = ({ models, trash }: DiskState): string[] => [...models, ...trash.models].map(({ sha256 }) => sha256).sort()
  if (contents(before).join() !== contents(after).join()) yield { kind: 'lost-model', text: 'the models are not the same as before' }
  const described = ({ sidecars, trash }: DiskState): string[] => [...sidecars, ...trash.sidecars].map(({ document }) => String(document?.sha256)).sort()
  if (described(before).join() !== described(after).join()) yield { kind: 'lost-sidecar', text: 'the sidecars are not the same as before' }
  for (const { path, sha256 } of after.models) {
    const sidecar = after.sidecars.find((one) => one.path === path.replace(/\.safetensors$/, '.metadata.json'))
    if (sidecar?.document?.sha256 !== sha256) yield { kind: 'half-moved', text: `${path} is without its sidecar` }
  }
  for (const path of after.others) yield { kind: 'left-over', text: path }
}

function note (report: FaultReport, answer: CampaignAnswer | null, allowed: readonly number[]): void {
  report.answers.push(answer?.status ?? 0)
  if (!allowed.includes(answer?.status ?? 0)) report.complaints.push({ kind: 'failure', text: `answered ${answer?.status}: ${JSON.stringify(answer?.json)}` })
}

async function moveAll ({ client, before }: Scene, to: string): Promise<CampaignAnswer | null> {
  return await client.post('/api/lm/loras/move_models_bulk', { file_paths: before.models.map(({ path }) => path), target_path: to })
}

function plainFolder (path: string): { path: string, clean: () => void } {
  mkdirSync(path, { recursive: true })
  return { path, clean: () => { rmSync(path, { recursive: true, force: true }) } }
}

/** On another volume than the temporary directory. */
function otherVolume (directory: string): { path: string, clean: () => void } | string {
  if (!existsSync('/dev/shm') || statSync('/dev/shm').dev === statSync(directory).dev) return 'there is no second volume'
  return plainFolder(`/dev/shm/modelshelf-campaign-${process.pid}`)
}

function smallDisk (directory: string): { path: string, clean: () => void } | string {
  const path = join(directory, 'small')
  mkdirSync(path)
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path])
  if (status !== 0) return 'a small disk can\'t be mounted here'
  return { path, clean: () => { spawnSync('umount', [path]) } }
}

const faults: readonly Fault[] = [
  {
    name: 'full-disk',
    place: smallDisk,
    async play (scene, report) {
      // Some fit, the others must stay as they are.
      writeFileSync(join(scene.other, 'ballast'), Buffer.alloc(900 * 1024))
      note(report, await moveAll(scene, scene.other), [200, 507])
      for (const { path } of readDisk([scene.other]).models) {
        note(report, await scene.client.post('/api/lm/loras/save-metadata', { file_path: path, notes: 'x'.repeat(200_000) }), [200, 507])
      }
      rmSync(join(scene.other, 'ballast'))
      note(report, await moveAll({ ...scene, before: readDisk(scene.roots) }, scene.loras), [200])
    }
  },
  {
    name: 'other-volume',
    place: otherVolume,
    async play (scene, report) {
      note(report, await moveAll(scene, join(scene.other, 'there')), [200])
      if (readDisk([scene.other]).models.length < MODELS - 1) report.complaints.push({ kind: 'failure', text: 'not all models went to the other volume' })
      note(report, await moveAll({ ...scene, before: readDisk([scene.other]) }, scene.loras), [200])
    }
  },
  {
    name: 'locked-folder',
    needsRights: true,
    place: (directory) => plainFolder(join(directory, 'locked')),
    async play (scene, report) {
      chmodSync(scene.other, 0o555)
      note(report, await moveAll(scene, scene.other), [200, 403])
      chmodSync(scene.other, 0o755)
      const folders = [...new Set(scene.before.models.map(({ path }) => dirname(path)))]
      for (const folder of folders) chmodSync(folder, 0o555)
      const [model] = scene.before.models
      note(report, await scene.client.post('/api/lm/loras/delete', { file_path: model?.path ?? '' }), [403])
      note(report, await scene.client.post('/api/lm/loras/rename', { file_path: model?.path ?? '', new_file_name: 'elsewhere' }), [403])
      // Kept with the user state, as for any disk that can't be written.
      note(report, await scene.client.post('/api/lm/loras/save-metadata', { file_path: model?.path ?? '', notes: 'still said' }), [200, 403])
      for (const folder of folders) chmodSync(folder, 0o755)
    }
  },
  {
    name: 'intruder',
    place: (directory) => plainFolder(join(directory, 'second')),
    async play (scene, report) {
      // Another program fills targets while the models are on their way; its files must stay what they are.
      const moving = moveAll(scene, scene.other)
      const intruded = new Map<string, string>()
      for (const { path } of scene.before.models.toReversed()) {
        const target = join(scene.other, path.slice(path.lastIndexOf('/') + 1))
        try {
          writeFileSync(target.replace(/\.safetensors$/, '.metadata.json'), '{"sha256":"intruder"}', { flag: 'wx' })
          intruded.set(target.replace(/\.safetensors$/, '.metadata.json'), '{"sha256":"intruder"}')
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
        }
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
      note(report, await moving, [200])
      for (const [path, text] of intruded) {
        if (!existsSync(path) || readFileSync(path, 'utf8') !== text) report.complaints.push({ kind: 'overwritten', text: `${path} of another program` })
        else rmSync(path)
      }
    }
  },
  {
    name: 'same-name',
    place: (directory) => plainFolder(join(directory, 'second')),
    async play (scene, report) {
      for (const { path } of scene.before.models.slice(0, 10)) copyFileSync(path, join(scene.other, path.slice(path.lastIndexOf('/') + 1)))
      const stood = readdirSync(scene.other).map((name): [string, string] => [name, hashOf(join(scene.other, name))])
      note(report, await moveAll(scene, scene.other), [200])
      for (const [name, sha256] of stood) {
        if (hashOf(join(scene.other, name)) !== sha256) report.complaints.push({ kind: 'overwritten', text: name })
        rmSync(join(scene.other, name))
      }
    }
  }
]

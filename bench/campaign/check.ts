import { posix } from 'node:path'
import { listAll } from './client.ts'
import { readDisk, type DiskState, type FoundSidecar } from './disk.ts'
import type { ExpectedModel } from './expectation.ts'

export interface Complaint { kind: string, text: string }

/** What was laid out at the start, and what has been asked since. */
export interface Expectations {
  /** Folders of all types, with the URL prefix of each. */
  roots: Record<string, string>
  /** How many files there were of each content. */
  contents: ReadonlyMap<string, number>
  /** LoRAs whose content is theirs alone. */
  models: ReadonlyMap<string, ExpectedModel>
}

/** Holds disk and index against everything that was acknowledged. */
export async function check (base: string, expectations: Expectations): Promise<{ complaints: Complaint[], disk: DiskState }> {
  const disk = readDisk(Object.values(expectations.roots))
  const complaints = [...checkContents(disk, expectations), ...checkSidecars(disk, expectations), ...checkSets(disk, expectations)]
  for (const [prefix, root] of Object.entries(expectations.roots)) complaints.push(...compare(await listAll(base, prefix), readDisk([root])))
  return { complaints, disk }
}

/** Every model's bytes exist as often as at the start: in place or in the trash. */
function * checkContents (disk: DiskState, { contents }: Expectations): Iterable<Complaint> {
  const found = new Map<string, string[]>()
  for (const { sha256, path } of [...disk.models, ...disk.trash.models]) found.set(sha256, [...found.get(sha256) ?? [], path])
  for (const [sha256, count] of contents) {
    const paths = found.get(sha256) ?? []
    if (paths.length < count) yield { kind: 'lost-model', text: `${sha256} is there ${paths.length} times, not ${count}` }
    if (paths.length > count) yield { kind: 'doubled-model', text: `${sha256} is there ${paths.length} times: ${paths.join(', ')}` }
  }
  for (const [sha256, [path]] of found) if (!contents.has(sha256)) yield { kind: 'torn-model', text: `${path} holds bytes that nobody wrote` }
}

/** Each model has one sidecar somewhere, and it holds every acknowledged field. */
function * checkSidecars (disk: DiskState, { models }: Expectations): Iterable<Complaint> {
  const found = new Map<string, FoundSidecar[]>()
  for (const sidecar of [...disk.sidecars, ...disk.trash.sidecars]) {
    if (sidecar.document === null) yield { kind: 'torn-sidecar', text: `${sidecar.path} is not JSON` }
    const sha256 = String(sidecar.document?.sha256)
    found.set(sha256, [...found.get(sha256) ?? [], sidecar])
  }
  for (const [sha256, expected] of models) {
    const own = found.get(sha256) ?? []
    const [sidecar] = own
    if (!sidecar?.document || own.length > 1) {
      yield { kind: own.length > 1 ? 'doubled-sidecar' : 'lost-sidecar', text: `${sha256} has ${own.length} sidecars: ${own.map(({ path }) => path).join(', ')}` }
      continue
    }
    for (const text of expected.judge(sidecar.document)) yield { kind: 'lost-field', text: `${sidecar.path}: ${text}` }
  }
}

/** Nothing is half moved: a model in place has its companions beside it, and no companion lies about alone. */
function * checkSets (disk: DiskState, { models }: Expectations): Iterable<Complaint> {
  const stems = new Set(disk.models.map(({ path }) => path.slice(0, -'.safetensors'.length)))
  const sidecars = new Map(disk.sidecars.map((sidecar) => [sidecar.path.slice(0, -'.metadata.json'.length), sidecar]))
  const media = new Set(disk.media.map(previewStem))
  for (const { path, sha256 } of disk.models) {
    const stem = path.slice(0, -'.safetensors'.length)
    const document = sidecars.get(stem)?.document
    if (!document) yield { kind: 'half-moved', text: `${path} has no sidecar` }
    else if (document.sha256 !== sha256 || document.file_path !== path) yield { kind: 'half-moved', text: `the sidecar of ${path} is that of ${String(document.file_path)}` }
    else if (document.preview_url !== '' && !disk.media.includes(String(document.preview_url))) yield { kind: 'half-moved', text: `the preview of ${path} is not at ${String(document.preview_url)}` }
    if (models.get(sha256)?.hadPreview && !media.has(stem)) yield { kind: 'lost-preview', text: `${path} has no preview any more` }
  }
  for (const stem of sidecars.keys()) if (!stems.has(stem)) yield { kind: 'half-moved', text: `${stem}.metadata.json lies alone` }
  for (const path of disk.media) if (!stems.has(previewStem(path))) yield { kind: 'half-moved', text: `${path} lies alone` }
  for (const path of disk.others) yield { kind: 'left-over', text: path }
}

const previewStem = (path: string): string => path.slice(0, -posix.extname(path).length)

/** The list says what the disk says. */
function * compare (items: readonly Record<string, unknown>[], disk: DiskState): Iterable<Complaint> {
  const listed = new Map(items.map((item) => [String(item.file_path), item]))
  const documents = new Map(disk.sidecars.map(({ path, document }) => [path.replace(/\.metadata\.json$/, '.safetensors'), document]))
  if (listed.size !== items.length) yield { kind: 'index', text: 'a model is listed twice' }
  for (const { path, sha256 } of disk.models) {
    const item = listed.get(path)
    if (!item) {
      yield { kind: 'index', text: `${path} is not listed` }
      continue
    }
    listed.delete(path)
    const document = documents.get(path) ?? {}
    const differing = ['notes', 'favorite', 'tags', 'base_model', 'model_name', 'preview_nsfw_level'].filter((field) => JSON.stringify(item[field]) !== JSON.stringify(document[field] ?? item[field]))
    if (item.sha256 !== sha256) differing.push('sha256')
    if (item.preview_url !== previewAddress(String(document.preview_url ?? ''))) differing.push('preview_url')
    if (differing.length > 0) yield { kind: 'index', text: `${path} is listed with another ${differing.join(', ')} than its sidecar says` }
  }
  for (const path of listed.keys()) yield { kind: 'index', text: `${path} is listed and not there` }
}

function previewAddress (path: string): string {
  const encoded = encodeURIComponent(path).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
  return path === '' ? '' : `/api/lm/previews?path=${encoded}`
}

/** Whether a reading of the whole disk changes anything that the lists say. */
export async function compareWithRebuild (base: string, prefixes: readonly string[]): Promise<Complaint[]> {
  const complaints: Complaint[] = []
  for (const prefix of prefixes) {
    const before = await sorted(base, prefix)
    const scan = await fetch(`${base}/api/lm/${prefix}/scan?full_rebuild=true`)
    if (scan.status !== 200) complaints.push({ kind: 'index', text: `the scan of ${prefix} answered ${scan.status}` })
    const after = await sorted(base, prefix)
    after.forEach((text, index) => { if (text !== before[index]) complaints.push({ kind: 'index', text: `a rebuild changes ${before[index] ?? 'nothing'} to ${text}` }) })
    if (after.length !== before.length) complaints.push({ kind: 'index', text: `a rebuild lists ${after.length} ${prefix}, not ${before.length}` })
  }
  return complaints
}

async function sorted (base: string, prefix: string): Promise<string[]> {
  return (await listAll(base, prefix)).map((item) => JSON.stringify(item)).sort()
}

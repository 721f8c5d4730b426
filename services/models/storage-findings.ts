import { createHash } from 'node:crypto'
import type { ModelTypeName } from './types.ts'

export const storageKinds = ['duplicate', 'same-weights', 'superseded', 'unused', 'orphan'] as const
export type StorageKind = typeof storageKinds[number]

/** What the advice needs of a model that is listed and whose folder is online. */
export interface StorageRow {
  type: ModelTypeName
  path: string
  sha256: string
  /** As the file's header or CivitAI claims it. */
  claimedAutov3: string
  base: string
  title: string
  modelId: number
  versionId: number
  favorite: boolean
  uses: number
}

/** The file of a row as it was found on disk. */
export interface WeighedModel extends StorageRow {
  size: number
  /** Device and inode: links to one file free nothing. */
  identity: string
  /** Of the tensors alone, computed by us from this very file; "" when it was not. */
  tensorHash: string
}

export interface OrphanGroup { stem: string, sure: boolean, files: { path: string, size: number }[] }

/** One piece of advice. Nothing is changed by it. */
export interface StorageFinding {
  /** The same as long as the finding is about the same files. */
  id: string
  kind: StorageKind
  title: string
  /** What would be free without the models that are not kept, or without the files. */
  bytes: number
  /** False where it rests on what a header or a file name claims. */
  sure: boolean
  models: { model_type: ModelTypeName, file_path: string, size: number, keep: boolean }[]
  files: { path: string, size: number }[]
}

/** All findings, those that free most first. */
export function findStorage (models: readonly WeighedModel[], orphans: readonly OrphanGroup[], usageKnown: boolean): StorageFinding[] {
  const distinct = withoutLinks(models)
  const findings = [
    ...duplicates(distinct),
    ...sameWeights(distinct),
    ...superseded(distinct),
    ...(usageKnown ? unused(distinct) : []),
    ...orphans.map(orphan)
  ]
  return findings.sort((a, b) => b.bytes - a.bytes || (a.id < b.id ? -1 : 1))
}

function withoutLinks (models: readonly WeighedModel[]): WeighedModel[] {
  const seen = new Set<string>()
  return models.filter(({ identity }) => identity === '' || (!seen.has(identity) && seen.add(identity)))
}

function * duplicates (models: readonly WeighedModel[]): Iterable<StorageFinding> {
  for (const [sha256, group] of groupsOf(models, (model) => model.sha256)) yield finding('duplicate', sha256, bestFirst(group), true)
}

/** The same tensors under different headers: a re-upload with another description. */
function * sameWeights (models: readonly WeighedModel[]): Iterable<StorageFinding> {
  const key = ({ tensorHash, claimedAutov3 }: WeighedModel): string => (tensorHash === '' ? claimedAutov3 : tensorHash).slice(0, 12)
  for (const [hash, group] of groupsOf(models, key)) {
    // Copies of one file are the other kind.
    const files = new Map(bestFirst(group).toReversed().map((model) => [model.sha256 === '' ? model.path : model.sha256, model]))
    if (files.size > 1) yield finding('same-weights', hash, bestFirst([...files.values()]), group.every(({ tensorHash }) => tensorHash !== ''))
  }
}

/** Older local versions of one CivitAI model for the same base; versions get growing numbers there. */
function * superseded (models: readonly WeighedModel[]): Iterable<StorageFinding> {
  const key = ({ modelId, versionId, base, type }: WeighedModel): string => modelId > 0 && versionId > 0 ? `${type}\0${modelId}\0${base}` : ''
  for (const [id, group] of groupsOf(models, key)) {
    const newest = Math.max(...group.map(({ versionId }) => versionId))
    const older = group.filter(({ versionId }) => versionId < newest)
    if (older.length > 0) yield finding('superseded', id, [...group.filter(({ versionId }) => versionId === newest), ...older], true, group.length - older.length)
  }
}

function * unused (models: readonly WeighedModel[]): Iterable<StorageFinding> {
  for (const model of models) if (model.uses === 0 && !model.favorite && model.sha256 !== '') yield finding('unused', model.path, [model], true, 0)
}

function orphan ({ stem, sure, files }: OrphanGroup): StorageFinding {
  const title = stem.slice(stem.lastIndexOf('/') + 1)
  return { id: idOf('orphan', stem), kind: 'orphan', title, bytes: sum(files), sure, models: [], files }
}

/** `kept` of the models come first and stay. */
function finding (kind: StorageKind, key: string, models: readonly WeighedModel[], sure: boolean, kept = 1): StorageFinding {
  return {
    id: idOf(kind, key),
    kind,
    title: models[0]?.title ?? '',
    bytes: sum(models.slice(kept)),
    sure,
    models: models.map(({ type, path, size }, index) => ({ model_type: type, file_path: path, size, keep: index < kept })),
    files: []
  }
}

/** The copy to keep: a favourite, one with its place on CivitAI, the most used, the shortest path. */
function bestFirst (models: readonly WeighedModel[]): WeighedModel[] {
  return [...models].sort((a, b) => Number(b.favorite) - Number(a.favorite) || Number(b.versionId > 0) - Number(a.versionId > 0) ||
    b.uses - a.uses || a.path.length - b.path.length || (a.path < b.path ? -1 : 1))
}

function * groupsOf (models: readonly WeighedModel[], key: (model: WeighedModel) => string): Iterable<[string, WeighedModel[]]> {
  const groups = new Map<string, WeighedModel[]>()
  for (const model of models) {
    const name = key(model)
    if (name === '') continue
    const group = groups.get(name)
    if (group) group.push(model)
    else groups.set(name, [model])
  }
  for (const entry of groups) if (entry[1].length > 1) yield entry
}

const sum = (files: readonly { size: number }[]): number => files.reduce((total, { size }) => total + size, 0)

/** 16 hexadecimal digits. */
function idOf (kind: StorageKind, key: string): string {
  return createHash('sha256').update(`${kind}\0${key}`).digest('hex').slice(0, 16)
}

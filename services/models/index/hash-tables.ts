import { createKeyTable } from './key-table.ts'
import type { KeyTable } from './key-table.ts'
import { hexHash } from './text-hash.ts'
import type { IndexedModel, OtherHashes } from '../entry.ts'

const KINDS = ['sha256', 'autov3', 'AutoV1', 'CRC32', 'BLAKE3'] as const
type Kind = typeof KINDS[number]

/** Shortest beginning of a SHA-256 that finds a model. */
const SHORTEST_PREFIX = 8
const AUTOV3_LENGTH = 12
const SHA256_LENGTH = 64

/** Every hash of every model, by the first 8 hex digits; what was found is compared with the model itself. */
export interface HashTables {
  touch (slot: number): void
  drop (slot: number): void
  /** The next slots whose SHA-256 may equal that of this one; see `sameHash`. */
  readonly sha256: KeyTable
  /** All tables, for whoever has them filled beforehand. */
  readonly tables: readonly KeyTable[]
  /** Slots with this hash, of any kind and length, the surest kind first. */
  find (hash: string): number[]
  /** Slots that pass the hash filter of lists: SHA-256 or a beginning of it, or AutoV3. */
  filter (hash: string): number[]
}

function hashOf (model: IndexedModel, kind: Kind): string {
  const hash = kind === 'sha256' ? model.sha256 : kind === 'autov3' ? model.autov3 : model.other_hashes?.[kind]
  return hash ? hash.toLowerCase() : ''
}

interface HashSource {
  model (slot: number): IndexedModel | undefined
  text (slot: number, member: 'sha256' | 'autov3'): string
  otherHashes (slot: number): OtherHashes | null
}

export function createHashTables (slots: () => Uint32Array, { model, text, otherHashes }: HashSource): HashTables {
  const tableOf = (kind: Kind): KeyTable => createKeyTable(slots, (slot) => {
    const hash = kind === 'sha256' || kind === 'autov3' ? text(slot, kind).toLowerCase() : (otherHashes(slot)?.[kind] ?? '').toLowerCase()
    return hash.length >= SHORTEST_PREFIX ? hexHash(hash) : null
  })
  const tables: Record<Kind, KeyTable> = { sha256: tableOf('sha256'), autov3: tableOf('autov3'), AutoV1: tableOf('AutoV1'), CRC32: tableOf('CRC32'), BLAKE3: tableOf('BLAKE3') }

  const collect = (kind: Kind, hash: string, prefix: boolean, into: Set<number>): void => {
    const table = tables[kind]
    const first = table.first(hexHash(hash))
    if (first < 0) return
    const found: { slot: number, id: number }[] = []
    for (let slot = first; slot >= 0; slot = table.next(slot)) {
      const one = model(slot)
      if (!one) continue
      const own = hashOf(one, kind)
      if (prefix ? own.startsWith(hash) : own === hash) found.push({ slot, id: one.id })
    }
    for (const { slot } of found.sort((a, b) => a.id - b.id)) into.add(slot)
  }

  const search = (hash: string, others: readonly Kind[]): number[] => {
    const wanted = hash.trim().toLowerCase()
    const found = new Set<number>()
    if (wanted.length < SHORTEST_PREFIX) return []
    if (wanted.length === AUTOV3_LENGTH) collect('autov3', wanted, false, found)
    for (const kind of others) collect(kind, wanted, false, found)
    if (wanted.length <= SHA256_LENGTH) collect('sha256', wanted, true, found)
    return [...found]
  }

  return {
    sha256: tables.sha256,
    tables: KINDS.map((kind) => tables[kind]),
    touch: (slot) => { for (const kind of KINDS) tables[kind].touch(slot) },
    drop: (slot) => { for (const kind of KINDS) tables[kind].drop(slot) },
    find: (hash) => search(hash, ['AutoV1', 'CRC32', 'BLAKE3']),
    filter: (hash) => search(hash, [])
  }
}

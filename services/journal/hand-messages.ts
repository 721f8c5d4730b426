import type { DomainError } from '../errors.ts'
import type { PlannedUnit } from './actions.ts'
import type { UnitOutcome } from './perform.ts'
import type { TrashRoot } from './trash-place.ts'
import type { Unit } from './types.ts'

/** What the thread knows of its operation. */
export interface HandData { operation: string, roots: readonly TrashRoot[] }

/** Small contents by their hash. */
export type PackedContents = [sha256: string, data: Uint8Array<ArrayBuffer>][]

export type HandTask =
  /** Units that follow those that were planned before; `first` is the number of the first one. */
  | { plan: readonly Unit[], first: number }
  /** A planned unit with all contents that its actions name. */
  | { unit: PlannedUnit, contents: PackedContents }

export interface HandRequest { id: number, task: HandTask }

export interface Planned { planned: PlannedUnit[], kept: PackedContents, fresh: PackedContents }
/** `actions` where something has become of them. */
export interface Performed { performed: UnitOutcome, actions?: PlannedUnit['actions'] }

export type HandAnswer =
  | { id: number, outcome: Planned | Performed }
  | { id: number, failed: { kind: DomainError['kind'] | null, code: string, message: string } }
  | { level: 'error' | 'warn' | 'info' | 'debug', fields: object, message: string }

/** Copies, each with a buffer of its own: one that is shared would go along as a whole, or be taken from others. */
export function packContents (contents: Iterable<readonly [string, Buffer]>): PackedContents {
  return Array.from(contents, ([sha256, data]) => [sha256, new Uint8Array(data)])
}

export function unpackContents (packed: PackedContents): Map<string, Buffer> {
  return new Map(packed.map(([sha256, data]) => [sha256, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]))
}

import type { PaidAccess } from '../civitai/access.ts'
import type { ChosenMedia } from '../civitai/preview-choice.ts'
import type { ModelLibrary } from '../models/ports.ts'
import type { SkippedBecause } from './types.ts'

/** Everything that is decided before the first byte of a file is asked for. */
export interface DownloadPlan {
  library: ModelLibrary
  /** For people. */
  title: string
  /** Absolute, inside a root of the library; may not exist yet. */
  directory: string
  /** Root that holds the directory. */
  root: string
  stem: string
  /** Lower case, with the dot. */
  extension: string
  /** Which file of which provider. */
  identity: string
  urls: readonly string[]
  destination: string
  sha256: string | null
  /** Bytes, roughly, null when nobody says. */
  size: number | null
  gate: PaidAccess | null
  preview: ChosenMedia | null
  /** Fields of the sidecar beyond what the file itself tells. */
  fields: Record<string, unknown>
  modelId: number | null
  versionId: number | null
  fileId: number | null
  fileName: string
  /** A damaged file of the library that this one takes the place of. */
  replaces: string | null
}

/** What planning comes to: a plan, a reason not to load anything, or the file that is there already. */
export type PlanOutcome = { plan: DownloadPlan } | { skipped: SkippedBecause } | { present: { path: string, library: ModelLibrary, message: string } }

import type { HuggingFaceClient } from '../hugging-face/types.ts'
import type { ModelLibrary } from '../models/ports.ts'
import type { ProviderChain } from '../providers/types.ts'
import type { SettingsManager } from '../settings/types.ts'
import type { VersionHistory } from './version-history.ts'

export interface PlanDeps {
  libraries: readonly ModelLibrary[]
  settings: Pick<SettingsManager, 'get'>
  chain: Pick<ProviderChain, 'version'>
  huggingFace: HuggingFaceClient
  history: Pick<VersionHistory, 'has' | 'filesOf'>
  /** Brings an address of CivitAI to its download host. */
  normaliseAddress (address: string): string
  /** Milliseconds since 1970. */
  now (): number
}

import type { SettingsManager } from './settings/types.ts'
import type { ModelLibrary } from './models/ports.ts'
import type { SidecarOverlay } from './models/sidecar-overlay.ts'
import type { ModelPrefix } from './models/types.ts'
import type { ProgressHub } from './progress/types.ts'
import type { JobSystem } from './jobs/types.ts'
import type { Journal } from './journal/types.ts'
import type { Organizer } from './models/organizer.ts'
import type { Downloads } from './downloads/ports.ts'
import type { ShownImages } from './example-images/shown-images.ts'
import type { Door } from './network/types.ts'
import type { MetadataShelf } from './metadata/types.ts'
import type { Providers } from './providers/types.ts'
import type { Updates } from './updates/types.ts'
import type { RecipeShelf } from './recipes/ports.ts'
import type { StateDatabase } from './database/types.ts'

/** What the shared core plugin supplies to every stack, decorated on the root as `app.core`. */
export interface Core {
  settings: SettingsManager
  /** Scanner caches, one per row of the model-type table. */
  models: Record<ModelPrefix, ModelLibrary>
  hub: ProgressHub
  jobs: JobSystem
  /** Every change of a user's file goes through it. */
  journal: Journal
  /** Sorts models into the folders of the templates, one run at a time over all types. */
  organizer: Organizer
  /** Edits of models on disks where no file can be written. */
  sidecarOverlay: SidecarOverlay
  /** The only way out to other hosts. */
  door: Door
  /** What others know of models: CivitAI, the archives, Hugging Face. */
  providers: Providers
  /** What models are by the word of others, and who gave which value. */
  metadata: MetadataShelf
  /** Newer versions of models, and what the user wants to hear of them. */
  updates: Updates
  /** Brings model files from elsewhere, and knows what was ever brought. */
  downloads: Downloads
  /** The recipes of the active library. */
  recipes: RecipeShelf
  /** Which example images of a model are there to be shown. */
  shownImages: ShownImages
  /** User state that cannot be rebuilt. */
  state: StateDatabase
  /** Version of the program, for pages and answers. */
  version: string
  /** Whether the server listens on this machine only: then its user is who asks. */
  onlyThisMachine: boolean
}

/** What the process was started with; the composition root hands it on, nothing else reads argv or environment. */
export interface StartOptions {
  settingsDirectory: string
  /** A whole models folder laid over the settings for this run, never saved; null when not given. */
  modelsDirectory: string | null
  host: string
  port: number
  logLevel: string
  /** Listening beyond loopback without a token (--insecure). */
  insecure: boolean
  /** Host names beside loopback and IP literals that requests may name. */
  allowedHosts: string[]
  /** Values that the environment lays over the settings for this run, never saved (API keys). */
  settingsOverlay: Record<string, unknown>
  /** Base URLs of providers from environment or argv. */
  providers: { civitai?: string, civarchive?: string, huggingface?: string, storage?: string }
  /** Rows of the persistent cache are kept unless the environment turns it off. */
  persistentCache: boolean
  /** False in tests that drive scans by hand. */
  scanOnStart: boolean
}

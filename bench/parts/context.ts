import type { BuiltServer } from '../built-server.ts'
import type { GeneratedLibrary } from '../library.ts'
import type { Load } from '../load-generator.ts'
import type { Measurement } from '../measurement.ts'

/** What a part of the benchmark works with. */
export interface BenchContext {
  models: number
  library: GeneratedLibrary
  settings: string
  /** Runs on the library, idle, its rows loaded from disk. */
  server: BuiltServer
  /** For files of the part's own; removed at the end. */
  scratch: string
  load: Load
}

export type Part = (context: BenchContext) => Promise<Measurement[]>

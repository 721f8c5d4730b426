import type { Downloads } from '../downloads/ports.ts'
import { modelTypes } from '../models/types.ts'
import type { SettingsManager } from '../settings/types.ts'
import type { Downloader } from './downloader.ts'
import { DownloadInProgressError } from './errors.ts'
import type { DownloadInput } from './run-download.ts'
import type { ExamplePlace, ExamplePlaces } from './places.ts'

export interface AutoDownloadDeps {
  settings: Pick<SettingsManager, 'get'>
  places: ExamplePlaces
  downloader: Pick<Downloader, 'isRunning' | 'settled' | 'run' | 'start'>
  downloads: Pick<Downloads, 'onFinished'>
  /** Models that wait for their first images. */
  countPending (place: ExamplePlace): Promise<number>
  warn (message: string, error: unknown): void
  firstMs?: number
  everyMs?: number
}

/** Runs without being asked while the setting is on: after each model download, and for the library now and then. */
export interface AutoDownload { close (): void }

const FIRST_MS = 60_000
const JITTER_MS = 30_000
const EVERY_MS = 30 * 60_000

export function createAutoDownload ({ settings, places, downloader, downloads, countPending, warn, firstMs = FIRST_MS + Math.random() * JITTER_MS, everyMs = EVERY_MS }: AutoDownloadDeps): AutoDownload {
  /** Models that came while another run was under way. */
  const queue = new Set<string>()
  let pumping = false
  let closed = false
  const isOn = (): boolean => !closed && settings.get('auto_download_example_images') === true && places.find() !== undefined

  function inputFor ({ library, root }: ExamplePlace, hashes: string[] | null): DownloadInput {
    return { library, root, types: modelTypes.map(({ name }) => name), hashes, optimize: settings.get('optimize_example_images') !== false, delayMs: hashes ? 0 : 200, retryFailed: hashes !== null, reprocess: false }
  }

  /** One run for all that wait, as soon as nothing else runs. */
  async function pump (): Promise<void> {
    if (pumping) return
    pumping = true
    try {
      while (queue.size > 0 && isOn()) {
        while (downloader.isRunning()) await downloader.settled()
        const place = places.find()
        const hashes = [...queue]
        queue.clear()
        if (place && !closed) await runQueued(inputFor(place, hashes), hashes)
      }
    } finally {
      pumping = false
    }
  }

  async function runQueued (input: DownloadInput, hashes: readonly string[]): Promise<void> {
    try {
      await downloader.run(input)
    } catch (error) {
      // Somebody was faster: they wait once more.
      if (!(error instanceof DownloadInProgressError)) throw error
      for (const hash of hashes) queue.add(hash)
    }
  }

  async function look (): Promise<void> {
    const place = places.find()
    if (!place || !isOn() || downloader.isRunning() || await countPending(place) === 0 || downloader.isRunning()) return
    await downloader.start(inputFor(place, null))
  }

  const noted = (work: Promise<void>): void => { work.catch((error: unknown) => { if (!closed) warn('example images could not be fetched by themselves', error) }) }
  const stopListening = downloads.onFinished(({ sha256 }) => {
    if (!isOn() || sha256 === '') return
    queue.add(sha256.toLowerCase())
    noted(pump())
  })
  let timer = setTimeout(tick, firstMs).unref()
  function tick (): void {
    noted(look())
    timer = setTimeout(tick, everyMs).unref()
  }

  return {
    close () {
      closed = true
      clearTimeout(timer)
      stopListening()
    }
  }
}

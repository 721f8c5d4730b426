import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { civitaiDouble, type CivitaiDouble } from '../../helpers/civitai/double.ts'
import { modelBytes, putModel, runningApp, sha256Of, type RunningApp } from '../../helpers/running-app.ts'

export interface World extends RunningApp {
  double: CivitaiDouble
  examples: string
  /** Names of the media files of a model, in order; undefined without a folder. */
  filesOf (name: string): string[] | undefined
}

export const hashOf = (name: string): string => sha256Of(modelBytes(name))
export const sidecarOf = (root: string, name: string) => JSON.parse(readFileSync(join(root, `${name}.metadata.json`), 'utf8')) as { civitai: { images?: Record<string, unknown>[], customImages?: Record<string, unknown>[] } }

/** Elements as CivitAI names them, on the storage host of the double. */
export function imagesAt (double: CivitaiDouble, name: string, count: number, over: Record<number, Record<string, unknown>> = {}) {
  return Array.from({ length: count }, (_, n) => ({ url: `${double.origins.storage}/media/${name}/${n}.png`, nsfwLevel: 1, type: 'image', width: 1, height: 1, ...over[n] }))
}

export interface WorldOptions {
  settings?: Record<string, unknown>
  /** Lays out models; their images are named by `imagesAt`. */
  prepare?: (roots: RunningApp['roots'], double: CivitaiDouble, examples: string) => void
}

/** The whole service with a folder of example images and a CivitAI of its own. */
export async function exampleWorld (t: Pick<Test, 'testdir' | 'teardown'>, { settings = {}, prepare }: WorldOptions = {}): Promise<World> {
  const double = await civitaiDouble(t)
  let examples = ''
  const run = await runningApp(t, {
    settings: { provider_base_urls: double.providerBaseUrls, ...settings },
    prepare (roots, directory) {
      examples = join(directory, 'examples')
      mkdirSync(examples)
      prepare?.(roots, double, examples)
    }
  })
  if (settings.example_images_path === undefined) await run.post('/api/lm/settings', { example_images_path: examples })
  return Object.assign(run, {
    double,
    examples,
    filesOf (name: string) {
      const folder = join(examples, hashOf(name))
      return existsSync(folder) ? readdirSync(folder).sort() : undefined
    }
  })
}

export function putModels (loras: string, double: CivitaiDouble, names: readonly string[], images: number): void {
  for (const name of names) putModel(loras, name, { civitai: { id: 1, images: imagesAt(double, name, images) } })
}

export async function until<T> (ask: () => T | Promise<T>, reached: (value: T) => boolean, within = 60_000): Promise<T> {
  const deadline = Date.now() + within
  for (;;) {
    const value = await ask()
    if (reached(value)) return value
    if (Date.now() > deadline) throw new Error(`not reached: ${JSON.stringify(value).slice(0, 500)}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

interface Status { is_downloading: boolean, status: Record<string, unknown> & { status: string, completed: number, total: number, outcomes: Record<string, number>, errors: string[] } }

export async function statusOf (run: Pick<RunningApp, 'get'>, query = ''): Promise<Status> {
  return (await run.get(`/api/lm/example-images-status${query}`)).json as unknown as Status
}

export async function ended (run: Pick<RunningApp, 'get'>): Promise<Status> {
  return await until(async () => await statusOf(run), ({ is_downloading: running }) => !running)
}

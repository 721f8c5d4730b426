import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import type { Test } from 'tap'
import { civitaiDouble, type CivitaiDouble, type DoubleOptions } from './civitai/double.ts'
import { pngText } from './metadata-images.ts'
import { runningApp, type RunningApp, type RunningAppOptions } from './running-app.ts'
import { treeOf } from './tree.ts'

type Json = Record<string, unknown>
export type FormField = string | { bytes: Buffer, filename?: string, type?: string }

export interface RecipeWorld {
  app: RunningApp
  double: CivitaiDouble
  /** Where recipes lie. */
  directory: string
  /** Sends a multipart form, its parts in this order. */
  form (url: string, fields: Readonly<Record<string, FormField>>): Promise<{ status: number, json: Json }>
  analyze (image: Buffer): Promise<Json>
  /** Saves what an analysis answered, as the dialog of clients does. */
  save (image: Buffer, name: string, analysis: Json, more?: Readonly<Record<string, FormField>>): Promise<Json>
  recipe (id: string): Promise<Json>
  /** The document on disk. */
  document (id: string): Json
  /** Every file of the recipe directory with the hash of its bytes. */
  tree (): Record<string, string>
  /** Files of uploads and downloads that nobody removed. */
  leftovers (): string[]
}

type Options = DoubleOptions & { settings?: Json, prepare?: RunningAppOptions['prepare'] }

/** The whole service with its recipes beside a double of CivitAI. */
export async function recipeWorld (t: Pick<Test, 'testdir' | 'teardown'>, { settings = {}, prepare, ...options }: Options = {}): Promise<RecipeWorld> {
  const double = await civitaiDouble(t, options)
  const app = await runningApp(t, { settings: { provider_base_urls: double.providerBaseUrls, ...settings }, ...(prepare && { prepare }) })
  const { roots } = app
  await app.app.core.settings.update({ default_lora_root: roots.loras, default_checkpoint_root: roots.checkpoints })
  return worldOf(app, double)
}

export function worldOf (app: RunningApp, double: CivitaiDouble): RecipeWorld {
  const directory = join(app.roots.loras, 'recipes')
  const shelf = join(app.settingsDirectory, 'modelshelf', 'uploads-recipes')

  const world: RecipeWorld = {
    app,
    double,
    directory,
    async form (url, fields) {
      const answer = await app.app.inject({ method: 'POST', url, payload: formBody(fields), headers: { 'content-type': 'multipart/form-data; boundary=frontier' } })
      return { status: answer.statusCode, json: answer.json() }
    },
    analyze: async (image) => (await world.form('/api/lm/recipes/analyze-image', { image: { bytes: image } })).json,
    async save (image, name, analysis, more = {}) {
      const { loras, gen_params: params, base_model: base, checkpoint, model, raw_metadata: raw } = analysis
      const metadata = JSON.stringify({ loras, gen_params: params, base_model: base, checkpoint: checkpoint ?? model, raw_metadata: raw })
      const { status, json } = await world.form('/api/lm/recipes/save', { image: { bytes: image }, name, tags: JSON.stringify(analysis.tags ?? []), metadata, ...more })
      if (status !== 200) throw new Error(`save answered ${status}: ${JSON.stringify(json)}`)
      return json
    },
    recipe: async (id) => (await app.get(`/api/lm/recipe/${id}`)).json,
    document (id) {
      const name = (readdirSync(directory, { recursive: true }) as string[]).find((one) => one.endsWith(`${id}.recipe.json`))
      return JSON.parse(readFileSync(join(directory, name ?? ''), 'utf8')) as Json
    },
    tree: () => existsSync(directory) ? treeOf(directory) : {},
    leftovers: () => existsSync(shelf) ? readdirSync(shelf) : []
  }
  return world
}

export function formBody (fields: Readonly<Record<string, FormField>>): Buffer {
  const parts = Object.entries(fields).map(([name, field]) => typeof field === 'string'
    ? Buffer.from(`--frontier\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${field}\r\n`)
    : Buffer.concat([Buffer.from(`--frontier\r\ncontent-disposition: form-data; name="${name}"; filename="${field.filename ?? 'image.png'}"\r\ncontent-type: ${field.type ?? 'image/png'}\r\n\r\n`), field.bytes, Buffer.from('\r\n')]))
  return Buffer.concat([...parts, Buffer.from('--frontier--\r\n')])
}

/** A picture of some size that carries texts as PNG chunks. */
export async function picture (texts: Readonly<Record<string, string>> = {}, { width = 64, height = 96 } = {}): Promise<Buffer> {
  const image = await sharp({ create: { width, height, channels: 3, background: { r: 30, g: 90, b: 160 } } }).png().toBuffer()
  const chunks = Object.entries(texts).map(([keyword, text]) => pngText.wide(keyword, text))
  return Buffer.concat([image.subarray(0, 33), ...chunks, image.subarray(33)])
}

/** Polls until the condition holds. */
export async function until (condition: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> {
  const end = performance.now() + ms
  while (!await condition()) {
    if (performance.now() > end) throw new Error('It did not come to pass')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { MetadataText } from '../../services/images/metadata-types.ts'
import { stemOf } from '../../services/recipes/parsers/model-file.ts'

/** What a parser should find in an image: for each field the values that are right. */
export interface Expectation {
  tool: string
  image: string
  /** The file, or the texts that were taken out of it. */
  source: { file: string } | { texts: MetadataText[] }
  fields: Map<string, string[]>
}

type Json = Record<string, unknown>
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)
const list = (value: unknown): unknown[] => Array.isArray(value) ? value : []
const object = (value: unknown): Json => isObject(value) ? value : {}
const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'))

/** Of a folder of fixtures; parts of it that are not there give nothing. */
export function readExpectations (fixtures: string): Expectation[] {
  return [...ofTests(join(fixtures, 'sd-parsers')), ...ofGraphs(join(fixtures, 'comfyui-examples')), ...ofStrings(join(fixtures, 'a1111-strings.json'))]
}

/** Real images with the values that the tests of another reader expect. */
function ofTests (folder: string): Expectation[] {
  const file = join(folder, 'expected-from-upstream-tests.json')
  if (!existsSync(file)) return []
  const images = new Map(readdirSync(join(folder, 'tests'), { recursive: true }).map((path) => [basename(String(path)), join(folder, 'tests', String(path))]))
  const found = Object.entries(object(readJson(file))).filter(([key]) => key.includes('testdata')).flatMap(([key, cases]) => list(cases).map(object).flatMap((one): Expectation[] => {
    const image = images.get(String(one.id))
    const samplers = samplersIn(one.args)
    const [graphs] = list(one.args).map(object).filter((argument) => 'prompt' in argument)
    const source = image !== undefined ? { file: image } : graphs ? { texts: [{ carrier: 'png-text' as const, keyword: 'prompt', text: JSON.stringify(graphs.prompt) }] } : undefined
    return source === undefined || samplers.length === 0 ? [] : [{ tool: toolOf(key), image: String(one.id), source, fields: samplerFields(samplers, one.args) }]
  }))
  // The same image after another program saved it again.
  const [resaved, original] = [images.get('text_after_idat.png'), found.find(({ image }) => image === 'automatic1111_cropped.png')]
  return resaved !== undefined && original ? [...found, { ...original, image: 'text_after_idat.png', source: { file: resaved } }] : found
}

const toolOf = (key: string): string => ({ automatic1111: 'A1111', comfyui: 'ComfyUI, images', fooocus: 'Fooocus', invokeai: 'InvokeAI', novelai: 'NovelAI' })[key.split('.')[0] ?? ''] ?? key

function samplersIn (value: unknown): Json[] {
  if (isObject(value)) return value._type === 'Sampler' ? [value] : Object.values(value).flatMap(samplersIn)
  return list(value).flatMap(samplersIn)
}

/**
 * The first sampler begins the image. A model's id of a service belongs to its name. The 64 digits of InvokeAI 2 are no hash of a file:
 * looked up they would find nothing, and the model would pass for deleted.
 */
function samplerFields (samplers: readonly Json[], args: unknown): Map<string, string[]> {
  const [sampler = {}] = samplers
  const parameters = object(sampler.parameters)
  const model = object(sampler.model)
  const general = list(args).flat(2).filter((value): value is Json => isObject(value) && value._type === undefined)
  const also = (name: string): unknown => parameters[name] ?? general.map((facts) => facts[name]).find((value) => value !== undefined)
  const size = also('Size') ?? (also('width') === undefined ? undefined : `${String(also('width'))}x${String(also('height'))}`)
  const isService = String(model.hash ?? '').length === 8
  const values: Record<string, unknown> = {
    prompt: list(sampler.prompts).map((prompt) => object(prompt).value),
    negative_prompt: list(sampler.negative_prompts).map((prompt) => object(prompt).value),
    sampler: sampler.name,
    steps: also('steps'),
    cfg_scale: parameters.cfg_scale,
    seed: parameters.seed,
    scheduler: parameters.scheduler === 'Automatic' ? undefined : parameters.scheduler,
    denoising_strength: parameters.denoise ?? parameters.denoise_strength ?? parameters.strength,
    clip_skip: also('Clip skip'),
    size,
    model: isService ? `${String(model.name)} ${String(model.hash)}` : stem(model.name),
    model_hash: isService || String(model.hash ?? '').length > 12 ? undefined : model.hash
  }
  return new Map(Object.entries(values).map(([name, value]): [string, string[]] => [name, texts(value)]).filter(([, allowed]) => allowed.length > 0))
}

const stem = (name: unknown): string[] => typeof name === 'string' ? [stemOf(name)] : []

const texts = (value: unknown): string[] => (Array.isArray(value) ? value : [value]).filter((item) => item !== undefined && item !== null).map(String)

/** Graphs of official examples, each as the API graph and, alone, as the workflow; what its facts list is right for each field. */
function ofGraphs (folder: string): Expectation[] {
  const extracted = join(folder, 'extracted')
  if (!existsSync(extracted)) return []
  const files = readdirSync(extracted, { recursive: true }).map(String).filter((path) => path.endsWith('.json')).sort()
  return files.flatMap((path): Expectation[] => {
    const { prompt, workflow, facts } = object(readJson(join(extracted, path)))
    const fields = factFields(object(facts))
    const text = (keyword: string, value: unknown): MetadataText => ({ carrier: 'png-text', keyword, text: JSON.stringify(value) })
    const image = path.replace(/\.json$/, '')
    const whole = join(folder, image)
    return [
      ...existsSync(whole) ? [{ tool: 'ComfyUI, images', image, source: { file: whole }, fields }] : [],
      { tool: 'ComfyUI, API graphs', image, source: { texts: [text('prompt', prompt), text('workflow', workflow)] }, fields },
      { tool: 'ComfyUI, workflows alone', image, source: { texts: [text('workflow', workflow)] }, fields }
    ]
  })
}

function factFields (facts: Json): Map<string, string[]> {
  const values = (...names: string[]): string[] => names.flatMap((name) => list(facts[name]).map((fact) => String(object(fact).value)))
  const fields: [string, string[]][] = [
    ['prompt', values('texts').filter((value) => value.trim() !== '')],
    ['sampler', values('sampler_name')],
    ['steps', values('steps')],
    ['cfg_scale', values('cfg')],
    ['seed', values('seed', 'noise_seed')],
    ['scheduler', values('scheduler')],
    ['denoising_strength', values('denoise')],
    ['model', values('ckpt_name', 'unet_name').flatMap(stem)],
    ['loras', values('lora_name').flatMap(stem)]
  ]
  return new Map(fields.filter(([, allowed]) => allowed.length > 0))
}

/** Details lines of real images that break naive readers. */
function ofStrings (file: string): Expectation[] {
  if (!existsSync(file)) return []
  return list(readJson(file)).map(object).map((one) => {
    const expected = object(one.expect)
    const values: Record<string, unknown> = {
      model: expected.model,
      model_hash: expected.model_hash,
      steps: expected.steps,
      sampler: expected.sampler,
      seed: expected.seed,
      cfg_scale: expected.cfg,
      size: `${String(expected.width)}x${String(expected.height)}`,
      loras: list(expected.loras).map((lora) => list(lora)[0]),
      lora_hashes: list(expected.loras).map((lora) => String(list(lora)[1]).toLowerCase())
    }
    return { tool: 'Forge', image: String(one.id), source: { texts: [{ carrier: 'text', keyword: 'parameters', text: String(one.text) }] }, fields: new Map(Object.entries(values).map(([name, value]) => [name, texts(value)])) }
  })
}

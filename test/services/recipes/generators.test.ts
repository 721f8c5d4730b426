import t from 'tap'
import { parseImage, parseText } from '../../../services/recipes/parsers/index.ts'
import { readImageMetadata } from '../../../services/images/read-metadata.ts'
import type { ParsedImage, ParsedLora } from '../../../services/recipes/parsers/types.ts'
import { ascii, mp4, mp4Comment, png, pngText, stealthPng, tiff, unicode, userComment, webm, webp } from '../../helpers/metadata-images.ts'

const read = async (image: Buffer): Promise<ParsedImage | null> => parseImage(await readImageMetadata(image))
const chunks = async (texts: Readonly<Record<string, string>>): Promise<ParsedImage | null> => await read(await png(Object.entries(texts).map(([keyword, text]) => pngText.wide(keyword, text))))
const short = (loras: readonly ParsedLora[] | undefined): unknown[] => (loras ?? []).map(({ fileName, strength, hash }) => [fileName, strength, hash])
const SHA = 'AB'.repeat(32)

t.test('Fooocus and its forks', async (t) => {
  const fooocus = { prompt: 'fox', negative_prompt: '', steps: 30, guidance_scale: 4, seed: '9007199254740995', resolution: '(832, 1216)', sampler: 'dpmpp_2m', scheduler: 'karras', base_model: 'jx', base_model_hash: 'aaaa111122', loras: [['ink.safetensors', 0.5, 'bbbb222233'], ['None', 1]], lora_combined_1: 'wet : ink.safetensors : 0.8', metadata_scheme: 'fooocus' }
  const image = await chunks({ parameters: JSON.stringify(fooocus), fooocus_scheme: 'fooocus' })
  t.match(image, { tool: 'fooocus', checkpoint: { name: 'jx', hash: 'aaaa111122' } })
  t.same(image?.genParams, { prompt: 'fox', negative_prompt: '', steps: 30, sampler: 'dpmpp_2m', scheduler: 'karras', cfg_scale: 4, seed: '9007199254740995', size: '832x1216' })
  t.same(short(image?.loras), [['ink', 0.5, 'bbbb222233'], ['wet : ink', 0.8, '']])
  t.match(parseText('styled fox\nNegative prompt: n\nSteps: 30, Sampler: DPM++ 2M SDE, Seed: 5, CFG scale: 4, Model: jx, Raw prompt: fox, Lora hashes: "ink: bbbb222233", Lora weights: "ink: 0.4", Version: Fooocus v2.5.0'),
    { tool: 'fooocus', genParams: { prompt: 'fox' }, loras: [{ fileName: 'ink', strength: 0.4, hash: 'bbbb222233' }] })
  const ruined = await chunks({ parameters: JSON.stringify({ Prompt: 'p', Negative: 'n', steps: 4, cfg: 2, width: 8, height: 8, seed: 1, sampler_name: 'euler', scheduler: 'simple', base_model_name: 'b.safetensors', base_model_hash: SHA, loras: [{ name: 'k.safetensors', weight: 0.3 }, 'old - 0.7'], denoise: null, software: 'RuinedFooocus' }) })
  t.match(ruined, { tool: 'ruined-fooocus', genParams: { prompt: 'p', negative_prompt: 'n', cfg_scale: 2, sampler: 'euler' }, checkpoint: { name: 'b', hash: SHA.toLowerCase() } })
  t.same(short(ruined?.loras), [['k', 0.3, ''], ['old', 0.7, '']])
  t.match(await chunks({ Comment: JSON.stringify({ prompt: 'p', negative_prompt: 'n', seed: 3, steps: 5, cfg: 7, sampler: 'euler', scheduler: 'normal', width: 64, height: 32, base_model: 'm.safetensors' }) }), { tool: 'fooocus-mre', genParams: { prompt: 'p', cfg_scale: 7, size: '64x32', seed: 3 }, checkpoint: { name: 'm' } })
})

t.test('InvokeAI of three generations', async (t) => {
  const metadata = { positive_prompt: 'owl++', negative_prompt: null, width: 64, height: 32, seed: 5, steps: 9, cfg_scale: 4.5, scheduler: 'euler_a', clip_skip: 1, strength: 0.6, model: { key: 'u', hash: 'blake3:00ff', name: 'base', base: 'sdxl' }, loras: [{ model: { key: 'k', hash: 'blake3:11', name: 'ink', base: 'sdxl' }, weight: 0.4 }, { lora: { model_name: 'old', base_model: 'sdxl' }, weight: 0.9 }] }
  const image = await chunks({ invokeai_metadata: JSON.stringify(metadata), invokeai_graph: '{"nodes":[],"links":[]}', Dream: '"x" -s 1' })
  t.match(image, { tool: 'invokeai', checkpoint: { name: 'base', hash: '' } })
  t.same(image?.genParams, { prompt: 'owl++', steps: 9, sampler: 'euler_a', cfg_scale: 4.5, seed: 5, size: '64x32', clip_skip: 2, denoising_strength: 0.6 })
  t.same(short(image?.loras), [['ink', 0.4, ''], ['old', 0.9, '']])
  t.match(await chunks({ 'sd-metadata': JSON.stringify({ model: 'stable diffusion', model_weights: 'named', model_hash: SHA, image: { prompt: [{ prompt: 'a "quoted" mill [mud] [fog]', weight: 1 }], steps: 5, seed: 9, cfg_scale: 4, width: 64, height: 32, sampler: 'k_euler' } }) }),
    { genParams: { prompt: 'a "quoted" mill', negative_prompt: 'mud, fog', sampler: 'k_euler' }, checkpoint: { name: 'named', hash: '' } })
  t.same((await chunks({ Dream: '"a "red" mill [mud]" -s 5 -S 9 -W 64 -H 32 -C 4 -A k_euler -U 4 0.95' }))?.genParams, { prompt: 'a "red" mill', negative_prompt: 'mud', steps: 5, sampler: 'k_euler', cfg_scale: 4, seed: 9, size: '64x32' })
})

t.test('NovelAI: in texts, in EXIF with a damaged description, in the pixels', async (t) => {
  const comment = { steps: 9, scale: 5, seed: 3, sampler: 'k_euler', noise_schedule: 'karras', uc: 'fog', width: 64, height: 64 }
  const texts = { Title: 'NovelAI generated image', Software: 'NovelAI', Source: 'NovelAI Diffusion V4 AAAA0000', Description: '梟', Comment: JSON.stringify(comment) }
  const expected = { tool: 'novelai', genParams: { prompt: '梟', negative_prompt: 'fog', steps: 9, sampler: 'k_euler', scheduler: 'karras', cfg_scale: 5, seed: 3, size: '64x64' }, checkpoint: { name: 'NovelAI Diffusion V4 AAAA0000', hash: '' } }
  t.match(await chunks(texts), expected)
  t.match(await read(await stealthPng(Buffer.from(JSON.stringify(texts)), 'stealth_pnginfo')), expected)
  const damaged = Buffer.concat([Buffer.from('ASCII\0\0\0{"Description":"\0\0\0\0'), Buffer.from([0xe6, 0xa2]), Buffer.from(`\n","Comment":${JSON.stringify(JSON.stringify(comment))}}`)])
  t.match(await read(await webp([['EXIF', tiff({ ifd0: [ascii(0x010e, '梟'), ascii(0x0131, 'NovelAI Diffusion V4 AAAA0000')], exif: [userComment(damaged)] })]])), expected)
  const v4 = { ...comment, prompt: 'flat', v4_prompt: { caption: { base_caption: 'base', char_captions: [{ char_caption: 'girl' }, { char_caption: '' }] } }, v4_negative_prompt: { caption: { base_caption: 'bad' } }, extra_passthrough_testing: { prompt: null } }
  t.match(await chunks({ ...texts, Comment: JSON.stringify(v4) }), { genParams: { prompt: 'base\ngirl', negative_prompt: 'bad' } })
})

t.test('Draw Things, Easy Diffusion, TensorArt, Stability Matrix, spaces on Hugging Face', async (t) => {
  const settings = JSON.stringify({ c: 'owl', uc: 'fog', model: 'sd_xl.ckpt', sampler: 'DPM++ 2M Karras', seed: 4, scale: 5.5, steps: 20, strength: 1, size: '960x1280', lora: [{ model: 'ink.ckpt', weight: 0.6 }] })
  t.match(await read(await png([pngText.wide('XML:com.adobe.xmp', `<rdf:Description xmp:CreatorTool="Draw Things 1.2"><exif:UserComment><rdf:Alt><rdf:li>${settings.replaceAll('"', '&quot;')}</rdf:li></rdf:Alt></exif:UserComment></rdf:Description>`)])),
    { tool: 'draw-things', genParams: { prompt: 'owl', negative_prompt: 'fog', cfg_scale: 5.5, size: '960x1280', seed: 4 }, checkpoint: { name: 'sd_xl' }, loras: [{ fileName: 'ink', strength: 0.6 }] })

  const fields = { prompt: 'owl', negative_prompt: 'fog', seed: '4', width: '64', height: '32', num_inference_steps: '20', guidance_scale: '7.5', sampler_name: 'euler_a', use_stable_diffusion_model: 'sub\\m.safetensors', clip_skip: 'True', use_lora_model: "['a', 'b']", lora_alpha: '[0.5, 1]' }
  const easy = { tool: 'easy-diffusion', genParams: { prompt: 'owl', seed: 4, size: '64x32', steps: 20, cfg_scale: 7.5, clip_skip: 2 }, checkpoint: { name: 'm', fileName: 'sub/m' }, loras: [{ fileName: 'a', strength: 0.5 }, { fileName: 'b', strength: 1 }] }
  t.match(await chunks(fields), easy)
  t.match(await read(await webp([['EXIF', tiff({ exif: [userComment(unicode(JSON.stringify({ ...fields, use_lora_model: ['a', 'b'], lora_alpha: [0.5, 1] }), 'big'))] })]])), easy)
  t.match(parseText(JSON.stringify({ Prompt: 'owl', 'Negative Prompt': 'fog', Seed: 4, 'Stable Diffusion model': 'm', Steps: 20 })), { tool: 'easy-diffusion', genParams: { prompt: 'owl', negative_prompt: 'fog', steps: 20 } })

  const graph = JSON.stringify({ 1: { class_type: 'ECHOCheckpointLoaderSimple', inputs: { ckpt_name: 'EMS-1-EMS.safetensors' } }, 2: { class_type: 'EmptyLatentImage', inputs: { width: 64, height: 32 } }, 3: { class_type: 'KSampler', inputs: { seed: 18446744073709551000n.toString(), steps: 7, cfg: 3, sampler_name: 'euler', scheduler: 'beta', model: ['1', 0], latent_image: ['2', 0], denoise: 1 } } }).replace(/"(18446744073709551000)"/, '$1')
  const tensor = await read(await png([pngText.plain('generation_data', Buffer.from(`${JSON.stringify({ prompt: '梟', negativePrompt: 'fog', width: 128, height: 64, steps: 20, cfgScale: 7, guidance: 3.5, seed: '-1', clipSkip: 2, ksamplerName: 'dpmpp_2m', schedule: 'karras', baseModel: { modelFileName: 'm.safetensors', label: 'Model', hash: SHA }, models: [{ type: 'LORA', modelFileName: 'ink.safetensors', weight: 0.6, hash: SHA }] })}\0\0`)), pngText.plain('prompt', graph)]))
  t.match(tensor, { tool: 'tensorart', genParams: { prompt: '梟', seed: '18446744073709551000', size: '64x32', sampler: 'dpmpp_2m', scheduler: 'karras', cfg_scale: 7 }, checkpoint: { name: 'Model', hash: SHA.toLowerCase() }, loras: [{ fileName: 'ink', strength: 0.6 }] })

  t.match(await chunks({ prompt: graph.replace('18446744073709551000', '5'), parameters: 'text\r\nSteps: 1', 'parameters-json': JSON.stringify({ PositivePrompt: 'owl', NegativePrompt: 'fog', Steps: 20, Sampler: 'Euler Karras', CfgScale: 5, Seed: 9, Width: 96, Height: 48, ModelHash: SHA, ModelName: 'named' }), smproj: JSON.stringify({ State: { Model: { ClipSkip: 2, IsClipSkipEnabled: true }, Modules: { $values: [{ $type: 'HiresFixModule', IsEnabled: true, Scale: 1.5 }, { $type: 'HiresFixModule', IsEnabled: false, Scale: 9 }] } } }) }),
    { tool: 'stability-matrix', genParams: { prompt: 'owl', negative_prompt: 'fog', sampler: 'euler', scheduler: 'beta', size: '64x32', seed: 9, clip_skip: 2 }, checkpoint: { name: 'named', hash: SHA.toLowerCase() }, hires: { scale: 1.5 } })

  t.match(await chunks({ parameters: JSON.stringify({ prompt: 'owl', negative_prompt: 'fog', resolution: '1024 x 768', guidance_scale: 7, num_inference_steps: 28, seed: 5, sampler: 'Euler a', Model: 'Space', 'Model hash': SHA, use_upscaler: { upscale_method: 'nearest', upscaler_strength: 0.55, upscale_by: 1.5 } }) }),
    { tool: 'hf-space', genParams: { prompt: 'owl', size: '1024x768', steps: 28 }, checkpoint: { name: 'Space', hash: SHA.toLowerCase() }, hires: { upscaler: 'nearest', denoise: 0.55, scale: 1.5 } })
})

t.test('videos carry graphs as images do', async (t) => {
  const prompt = '{"3":{"class_type":"KSampler","inputs":{"seed":7,"steps":12,"cfg":4.5,"sampler_name":"euler"}}}'
  const workflow = '{"nodes":[],"links":[]}'
  const expected = { tool: 'comfyui', hasWorkflow: true, genParams: { seed: 7, steps: 12, cfg_scale: 4.5, sampler: 'euler' } }
  t.match(await read(mp4({ prompt, workflow })), expected)
  t.match(await read(webm({ PROMPT: prompt, WORKFLOW: workflow })), expected)
  t.match(await read(mp4Comment(JSON.stringify({ prompt, workflow: JSON.parse(workflow) }))), expected)
  t.match(await read(webm({ COMMENT: JSON.stringify({ prompt: JSON.parse(prompt), workflow }) })), expected)
})

t.test('a prompt with nothing but LoRA tags is one; other texts are none', async (t) => {
  t.match(await chunks({ Description: 'owl <lora:ink:0.5>' }), { tool: 'plain', loras: [{ fileName: 'ink', strength: 0.5 }], genParams: { prompt: 'owl <lora:ink:0.5>' } })
  t.equal(await chunks({ Comment: 'Created with GIMP', 'date:create': '2025' }), null)
  t.equal(await chunks({ Comment: '{"a":1}' }), null)
})

import t from 'tap'
import { fuzz } from '../../../bench/fuzz/fuzz.ts'
import { parseImage, parseMeta, parseText } from '../../../services/recipes/parsers/index.ts'
import type { ParsedImage, ParsedLora } from '../../../services/recipes/parsers/types.ts'

type Short = [name: string, strength: number, hash?: string]
const short = (loras: readonly ParsedLora[] | undefined): Short[] => (loras ?? []).map(({ fileName, name, strength, hash }): Short => hash === '' ? [fileName || name, strength] : [fileName || name, strength, hash])
const png = (texts: Readonly<Record<string, string>>): ParsedImage | null => parseImage({ texts: Object.entries(texts).map(([keyword, text]) => ({ carrier: 'png-text' as const, keyword, text })), width: 0, height: 0 })

const KITE = `a red kite <lora:kite_style:0.75>
Negative prompt: blurry
Steps: 24, Sampler: DPM++ 2M Karras, CFG scale: 6.5, Seed: 42, Size: 640x960, Model hash: 1a2b3c4d5e, Model: skyMix_v2, Clip skip: 2, Lora hashes: "kite_style: 9f8e7d6c5b4a", Version: v1.9`

t.test('A1111: the text in three parts, each LoRA with strength and hash', async (t) => {
  const kite = parseText(KITE)
  t.match(kite, {
    tool: 'a1111',
    flag: 'from_automatic_metadata',
    genParams: { prompt: 'a red kite <lora:kite_style:0.75>', negative_prompt: 'blurry', steps: 24, sampler: 'DPM++ 2M Karras', cfg_scale: 6.5, seed: 42, size: '640x960', clip_skip: 2 },
    checkpoint: { name: 'skyMix_v2', fileName: 'skyMix_v2', hash: '1a2b3c4d5e' },
    loras: [{ name: 'kite_style', type: 'lora', strengthFrom: 'tag' }]
  })
  t.same(short(kite?.loras), [['kite_style', 0.75, '9f8e7d6c5b4a']])

  const hashes = parseText('x <lora:a:1> <lora:sub/b:0.5>\nNegative prompt: y\nSteps: 5, Hashes: {"model":"aaaa1111","lora:a":"1111111111","LORA:dir/b.safetensors":"2222222222"}, Lora hashes: "a: 999999999999, c: 333333333333"')
  t.same(short(hashes?.loras), [['a', 1, '1111111111'], ['sub/b', 0.5, '2222222222'], ['c', 1, '333333333333']])
  t.match(hashes?.checkpoint, { name: '', hash: 'aaaa1111' })

  const named = parseText('<lora:local_only:0.65> <lora:missing:0.4>\nSteps: 5, Hashes: {"lora:local_only": "", "lora:missing": ""}')
  t.same(short(named?.loras), [['local_only', 0.65], ['missing', 0.4]], 'LoRAs without a hash are kept')

  const resources = parseText('p\nSteps: 5, Civitai resources: [{"type":"checkpoint","modelVersionId":11,"modelName":"Base","modelVersionName":"v1"},{"type":"lora","weight":0.654,"modelVersionId":22,"modelName":"L"},{"air":"urn:air:sdxl:lora:civitai:5@33","weight":0.2},{"type":"embed","modelVersionId":44}], Civitai metadata: {}')
  t.match(resources, { tool: 'civitai', checkpoint: { versionId: 11, name: 'Base' }, loras: [{ versionId: 22, strength: 0.65, name: 'L' }, { versionId: 33, modelId: 5, strength: 0.2 }], embeddings: [{ versionId: 44 }] })
})

t.test('A1111: what breaks naive readers', async (t) => {
  const quoted = parseText('cat, "Steps: 3" <lora:n:0.5:0.2> <lyco:m> <hypernet:h:1>\nSteps: 7\nmore\nNegative prompt: Negative prompt: no\nSteps: 9, Sampler: "x, y", Hires Model: other, Hires prompt: \\, Hires negative prompt: , Model: real, Hires upscale: 1.5, Hires upscaler: U4, Hires steps: 8, Denoising strength: 0.36, TI hashes: "bad: 0123456789", Created Date: 2026-02-25T22:09:08Z,')
  t.match(quoted, {
    genParams: { prompt: /Steps: 7\nmore$/, negative_prompt: 'Negative prompt: no', steps: 9, sampler: 'x, y', denoising_strength: 0.36 },
    checkpoint: { name: 'real' },
    hires: { scale: 1.5, upscaler: 'U4', steps: 8, denoise: 0.36 },
    embeddings: [{ name: 'bad', hash: '0123456789' }],
    raw: { 'Created Date': '2026-02-25T22:09:08Z', 'Hires Model': 'other' }
  })
  t.same(short(quoted?.loras), [['n', 0.5], ['m', 1], ['h', 1]])
  t.equal(quoted?.loras[0]?.clipStrength, 0.2)
  t.match(parseText('Negative prompt: Steps: 4, Seed: 1')?.genParams, { prompt: '', negative_prompt: '', steps: 4, seed: 1 })
  t.match(parseText('one line Negative prompt: fog Steps: 20, Sampler: Euler')?.genParams, { prompt: 'one line', negative_prompt: 'fog', steps: 20 })
  t.match(parseText('p\r\n\r\nNegative prompt: n\r\nSteps: 3, Seed: 18446744073709551615, CFG Scale: NaN, Size: ?')?.genParams, { prompt: 'p', negative_prompt: 'n', steps: 3, seed: '18446744073709551615' })
  t.same(short(parseText('x\nSteps: 3, AddNet Enabled: True, AddNet Module 1: LoRA, AddNet Model 1: old(0123456789ab), AddNet Weight A 1: 0.8, AddNet Weight B 1: 0.6')?.loras), [['old', 0.8, '0123456789ab']])
})

t.test('relatives of A1111 are told by their own key', async (t) => {
  const tools: [string, string][] = [
    ['Version: v1.10.1', 'a1111'], ['Version: f2.0.1v1.10.1-previous-669-gabc', 'forge'], ['Version: f1.0.0v2-v1.10.1RC-latest-1', 'reforge'], ['Version: f1.3.0-v1.10.1RC-1', 'easy-reforge'],
    ['Version: classic', 'forge-classic'], ['Version: neo-2.28', 'forge-neo'], ['App: SD.Next, Version: 56a8aea', 'sd-next'], ['Version: ComfyUI', 'comfyui'], ['ADetailer version: neo', 'a1111']
  ]
  for (const [detail, tool] of tools) t.equal(parseText(`x\nSteps: 1, ${detail}`)?.tool, tool, detail)
  t.match(parseText('cube\n\nNegative prompt: fog\n\nSteps: 9, Size: 64x64, Sampler: DDIM, Seed: 4, CFG scale: 3, App: SD.Next, Version: ab12cd3, Operations: txt2img; upscale, Model: mx, Model hash: 0011223344, Hires scale: 1.5, Hires upscaler: U4, Sampler sigma: karras'),
    { tool: 'sd-next', genParams: { prompt: 'cube', negative_prompt: 'fog', steps: 9, sampler: 'DDIM', scheduler: 'karras', cfg_scale: 3, seed: 4, size: '64x64' }, checkpoint: { name: 'mx', hash: '0011223344' }, hires: { scale: 1.5, upscaler: 'U4' } })
  t.match(parseText('x\nSteps: 1, Schedule type: Karras, Module 1: ae, Model: flux')?.genParams, { scheduler: 'Karras' })
  t.notOk(parseText('x\nSteps: 1, Schedule type: Automatic')?.genParams.scheduler)
})

t.test('our own marker is a recipe, whatever else the image says', async (t) => {
  const recipe = parseText('tiny boat, Steps: 4 \n Recipe metadata: {"title": "Boat", "base_model": "Pony", "loras": [{"file_name": "wave", "hash": "AABBCCDDEE", "strength": 0.7, "modelVersionId": 5, "modelName": "Wave", "modelVersionName": "v1"}], "gen_params": {"prompt": "tiny boat", "steps": 4, "scheduler": "x", "foo": 1}, "tags": ["sea"], "checkpoint": {"modelName": "Base", "modelVersionId": 9, "hash": "1122334455", "baseModel": "Pony"}}')
  t.match(recipe, {
    flag: 'from_recipe_metadata',
    title: 'Boat',
    tags: ['sea'],
    baseModel: 'Pony',
    loras: [{ name: 'Wave', fileName: 'wave', hash: 'aabbccddee', versionId: 5, versionName: 'v1', strength: 0.7 }],
    checkpoint: { name: 'Base', versionId: 9, hash: '1122334455', baseModel: 'Pony' }
  })
  t.same(recipe?.genParams, { prompt: 'tiny boat', steps: 4, scheduler: 'x' })
  t.equal(parseText(`${KITE}, Note: Recipe metadata: {not json}`)?.flag, 'from_automatic_metadata')
})

t.test('the Meta format gives its values as they are written', async (t) => {
  const meta = parseText('owl\nNegative prompt: dull\nSampler: dpmpp_2m, Seed: 5, Model hash: abcdef1234, Model: dir/owlmix.safetensors, Width: 512, Height: 768, Lora_0 Model name: Feather.safetensors, Lora_0 Model hash: 0123456789, Lora_0 Strength model: 0.7, Lora_0 Strength clip: 0.6')
  t.match(meta, { flag: 'from_meta_format', checkpoint: { name: 'dir/owlmix.safetensors', fileName: 'owlmix', hash: 'abcdef1234' }, raw: { lora_0_model_name: 'Feather.safetensors' } })
  t.same(meta?.genParams, { prompt: 'owl', negative_prompt: 'dull', sampler: 'dpmpp_2m', seed: '5', size: '512x768' })
  t.same(short(meta?.loras), [['Feather', 0.7, '0123456789']])
  t.same(short(parseText('owl\nSteps: 4, Lora_1 Model name: b.safetensors, Lora_0 Model name: a, Lora_0 Model hash: 0123456789')?.loras), [['a', 1, '0123456789'], ['b', 1]], 'also where steps make it A1111')
})

t.test('SwarmUI: weights stand beside the names, a VAE is no checkpoint', async (t) => {
  const swarm = parseText('{"sui_image_params":{"prompt":"p <lora:y:0.3>","negativeprompt":"n","seed":3,"steps":8,"cfgscale":4,"width":10,"height":20,"sampler":"euler","scheduler":"karras","loras":["z"],"loraweights":["0.7"]},"sui_models":[{"name":"v.safetensors","param":"vae","hash":"0x11"},{"name":"mx.safetensors","param":"model","hash":"0xABCDEF0123"},{"name":"z.safetensors","param":"loras","hash":"0x1234567890"}]}')
  t.match(swarm, { flag: 'from_sui_image_params', tool: 'swarmui', checkpoint: { name: 'mx', hash: 'abcdef0123' } })
  t.same(swarm?.genParams, { prompt: 'p <lora:y:0.3>', negative_prompt: 'n', steps: 8, sampler: 'euler', scheduler: 'karras', cfg_scale: 4, seed: 3, size: '10x20' })
  t.same(short(swarm?.loras), [['z', 0.7, '1234567890'], ['y', 0.3]])
})

t.test('CivitAI\'s API: resources of every kind, each once', async (t) => {
  const meta = parseMeta({
    prompt: 'p',
    negativePrompt: 'n',
    steps: 20,
    sampler: 'Euler a',
    cfgScale: 7,
    seed: 5,
    Size: '8x8',
    clipSkip: 2,
    Model: 'mm',
    resources: [{ name: 'mm', type: 'model', hash: 'aaaaaaaaaa' }, { name: 'L1', type: 'lora', weight: 0.8 }, { name: 'L2', type: 'lora', weight: 0.6, hash: 'bbbbbbbbbb' }],
    hashes: { model: 'aaaaaaaaaa', 'lora:L1': 'cccccccccc', 'lora:L4': 'dddddddddd', 'embed:e': 'eeeeeeeeee' }
  })
  t.same(short(meta?.loras), [['L1', 0.8, 'cccccccccc'], ['L2', 0.6, 'bbbbbbbbbb'], ['L4', 1, 'dddddddddd']])
  t.match(meta, { flag: 'from_civitai_image', checkpoint: { name: 'mm', hash: 'aaaaaaaaaa' }, embeddings: [{ name: 'e' }] })
  t.same(meta?.genParams, { prompt: 'p', negative_prompt: 'n', steps: 20, sampler: 'Euler a', cfg_scale: 7, seed: 5, size: '8x8', clip_skip: 2 })
  t.match(parseMeta({ modelVersionIds: [7, 8] }), { unknownVersions: [{ versionId: 7 }, { versionId: 8 }], loras: [] })
  t.match(parseMeta({ id: 1, meta: { prompt: 'inner', civitaiResources: [{ type: 'checkpoint', modelVersionId: 3 }, { type: 'lora', modelVersionId: 4, weight: 0.333 }] } }),
    { genParams: { prompt: 'inner' }, checkpoint: { versionId: 3 }, loras: [{ versionId: 4, strength: 0.33 }] })
  t.equal(parseMeta({ id: 1 }), null)
})

const ksampler = (inputs: object): object => ({ class_type: 'KSampler', inputs: { seed: 7, steps: 12, cfg: 4.5, sampler_name: 'euler', scheduler: 'normal', denoise: 1, ...inputs } })

t.test('ComfyUI: nodes without links are read by their kind, CivitAI\'s addresses are ids', async (t) => {
  const graph = parseText(JSON.stringify({
    4: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'urn:air:sdxl:checkpoint:civitai:100@200' } },
    10: { class_type: 'LoraLoader', inputs: { lora_name: 'urn:air:sdxl:lora:civitai:300@400', strength_model: 0.9 } },
    6: { class_type: 'CLIPTextEncode', inputs: { text: 'a paper boat' }, _meta: { title: 'Positive' } },
    3: { class_type: 'KSampler', inputs: { sampler_name: 'euler', steps: 18, cfg: 5.5, seed: 77 } }
  }))
  t.match(graph, { flag: 'from_comfy_metadata', checkpoint: { versionId: 200, modelId: 100, name: 'Checkpoint 100' }, loras: [{ versionId: 400, modelId: 300, name: 'Lora 300', strength: 0.9 }] })
  t.same(graph?.genParams, { prompt: 'a paper boat', steps: 18, sampler: 'euler', cfg_scale: 5.5, seed: 77 })
})

t.test('ComfyUI: the walk from the saver finds the base sampler, its prompts and the LoRAs on its way', async (t) => {
  const graph = png({
    prompt: JSON.stringify({
      1: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'sub\\base.safetensors' } },
      2: { class_type: 'Power Lora Loader (rgthree)', inputs: { PowerLoraLoaderHeaderWidget: {}, lora_1: { on: true, lora: 'x/a.safetensors', strength: 0.7, strengthTwo: null }, lora_2: { on: false, lora: 'off.safetensors', strength: 1 }, model: ['1', 0], clip: ['1', 1] } },
      3: { class_type: 'LoRA Stacker', inputs: { input_mode: 'advanced', lora_count: 1, lora_name_1: 'b.safetensors', lora_wt_1: 1, model_str_1: 0.4, clip_str_1: 0.2, lora_name_2: 'stale.safetensors', model_str_2: 1 } },
      30: { class_type: 'CR LoRA Stack', inputs: { switch_1: 'Off', lora_name_1: 'kept-name.safetensors', model_weight_1: 1, switch_2: 'On', lora_name_2: 'c.safetensors', model_weight_2: '0.25', clip_weight_2: 1, lora_stack: ['3', 0] } },
      4: { class_type: 'CR Apply LoRA Stack', inputs: { model: ['2', 0], clip: ['2', 1], lora_stack: ['30', 0] } },
      5: { class_type: 'Lora Loader (LoraManager)', inputs: { model: ['4', 0], text: '<lora:ignored:1>', loras: { __value__: [{ name: 'd', strength: '0.8', active: true }, { name: 'out', strength: 1, active: false }] } } },
      50: { class_type: 'LoraLoader', inputs: { lora_name: 'unconnected.safetensors', strength_model: 1, model: ['1', 0] } },
      6: { class_type: 'StringConstant', inputs: { string: 'a lighthouse' } },
      60: { class_type: 'Text Concatenate', inputs: { delimiter: ', ', text_a: ['6', 0], text_b: 'storm' } },
      7: { class_type: 'CLIPTextEncode', inputs: { text: ['60', 0], clip: ['70', 0] } },
      70: { class_type: 'CLIPSetLastLayer', inputs: { stop_at_clip_layer: -2, clip: ['5', 1] } },
      8: { class_type: 'CLIPTextEncode', inputs: { text: 'fog', clip: ['5', 1] } },
      80: { class_type: 'ControlNetApplyAdvanced', inputs: { positive: ['7', 0], negative: ['8', 0], control_net: ['99', 0] } },
      9: { class_type: 'EmptyLatentImage', inputs: { width: ['90', 0], height: 64, batch_size: 1 } },
      90: { class_type: 'PrimitiveInt', inputs: { value: 96 } },
      10: ksampler({ model: ['5', 0], positive: ['80', 0], negative: ['80', 1], latent_image: ['9', 0] }),
      11: { class_type: 'LatentUpscaleBy', inputs: { samples: ['10', 0], scale_by: 1.5 } },
      12: ksampler({ model: ['5', 0], positive: ['80', 0], negative: ['80', 1], latent_image: ['11', 0], seed: 99, steps: 5, denoise: 0.4 }),
      13: { class_type: 'VAEDecode', inputs: { samples: ['12', 0] } },
      14: { class_type: 'SaveImage', inputs: { images: ['13', 0] } }
    }).replace('"steps":5', '"steps":5,"odd":NaN')
  })
  t.same(graph?.genParams, { prompt: 'a lighthouse, storm', negative_prompt: 'fog', steps: 12, sampler: 'euler', scheduler: 'normal', cfg_scale: 4.5, seed: 7, size: '96x64', denoising_strength: 1, clip_skip: 2 })
  t.same(short(graph?.loras).sort(), [['b', 0.4], ['c', 0.25], ['d', 0.8], ['x/a', 0.7]])
  t.match(graph, { checkpoint: { name: 'base', fileName: 'sub/base' }, hires: { denoise: 0.4, steps: 5 } })
})

t.test('ComfyUI: samplers put together from parts, and values beyond a double', async (t) => {
  const graph = png({
    prompt: `{"1":{"class_type":"UNETLoader","inputs":{"unet_name":"flux.safetensors"}},"2":{"class_type":"LoraLoaderModelOnly","inputs":{"lora_name":"l.safetensors","strength_model":0.5,"model":["1",0]}},
      "3":{"class_type":"RandomNoise","inputs":{"noise_seed":18446744073709551615}},"4":{"class_type":"KSamplerSelect","inputs":{"sampler_name":"dpmpp_2m"}},"5":{"class_type":"BasicScheduler","inputs":{"scheduler":"beta","steps":28,"denoise":0.9,"model":["2",0]}},
      "6":{"class_type":"CLIPTextEncode","inputs":{"text":"owl","clip":["9",0]}},"7":{"class_type":"FluxGuidance","inputs":{"guidance":3.5,"conditioning":["6",0]}},"8":{"class_type":"BasicGuider","inputs":{"model":["2",0],"conditioning":["7",0]}},
      "10":{"class_type":"EmptySD3LatentImage","inputs":{"width":832,"height":1216}},"11":{"class_type":"SamplerCustomAdvanced","inputs":{"noise":["3",0],"guider":["8",0],"sampler":["4",0],"sigmas":["5",0],"latent_image":["10",0]}},
      "12":{"class_type":"VAEDecode","inputs":{"samples":["11",0]}},"13":{"class_type":"SaveImage","inputs":{"images":["12",0]}}}`
  })
  t.same(graph?.genParams, { prompt: 'owl', steps: 28, sampler: 'dpmpp_2m', scheduler: 'beta', cfg_scale: 3.5, seed: '18446744073709551615', size: '832x1216', denoising_strength: 0.9 })
  t.match(graph, { checkpoint: { name: 'flux', type: 'diffusion_model' } })
  t.same(short(graph?.loras), [['l', 0.5]])
})

t.test('ComfyUI: both prompts along one link, loaders that hold everything, switches and wildcards', async (t) => {
  const piped = png({
    prompt: JSON.stringify({
      1: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'm.safetensors' } },
      2: { class_type: 'CR Text Input Switch', inputs: { Input: 1, text1: ['20', 0], text2: 'other' } },
      20: { class_type: 'PrimitiveStringMultiline', inputs: { value: 'owl' } },
      3: { class_type: 'CLIPTextEncode', inputs: { text: ['2', 0], clip: ['1', 1] } },
      4: { class_type: 'CLIPTextEncode', inputs: { text: 'fog', clip: ['1', 1] } },
      5: { class_type: 'ToBasicPipe', inputs: { model: ['1', 0], clip: ['1', 1], positive: ['3', 0], negative: ['4', 0] } },
      6: { class_type: 'ImpactKSamplerBasicPipe', inputs: { basic_pipe: ['5', 0], seed: 5, steps: 6, cfg: 7, sampler_name: 'euler', scheduler: 'normal' } },
      7: { class_type: 'SaveImage', inputs: { images: ['6', 0] } }
    })
  })
  t.match(piped, { genParams: { prompt: 'owl', negative_prompt: 'fog', seed: 5, steps: 6 }, checkpoint: { name: 'm' } })
  const efficient = png({
    prompt: JSON.stringify({
      1: { class_type: 'Efficient Loader', inputs: { ckpt_name: 'm.safetensors', clip_skip: -2, lora_name: 'l.safetensors', lora_model_strength: 0.4, lora_clip_strength: 0.3, positive: 'owl', negative: 'fog', empty_latent_width: 64, empty_latent_height: 32 } },
      2: { class_type: 'KSampler (Efficient)', inputs: { seed: 5, steps: 6, cfg: 7, sampler_name: 'euler', scheduler: 'normal', denoise: 1, model: ['1', 0], positive: ['1', 1], negative: ['1', 2], latent_image: ['1', 3] } }
    })
  })
  t.same(efficient?.genParams, { prompt: 'owl', negative_prompt: 'fog', steps: 6, sampler: 'euler', scheduler: 'normal', cfg_scale: 7, seed: 5, size: '64x32', clip_skip: 2, denoising_strength: 1 })
  t.match(efficient?.loras, [{ fileName: 'l', strength: 0.4, clipStrength: 0.3 }])
  const wildcard = png({
    prompt: JSON.stringify({
      1: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'm' } },
      2: { class_type: 'ImpactWildcardEncode', inputs: { wildcard_text: '{owl|fox} <lora:l:0.5>', populated_text: 'fox <lora:l:0.5>', model: ['1', 0], clip: ['1', 1] } },
      3: ksampler({ model: ['2', 0], positive: ['2', 2] })
    })
  })
  t.match(wildcard, { genParams: { prompt: 'fox <lora:l:0.5>' }, loras: [{ fileName: 'l', strength: 0.5 }] })
  const video = png({
    prompt: JSON.stringify({
      1: { class_type: 'WanVideoModelLoader', inputs: { model: 'wan\\\\w.safetensors', lora: ['2', 0] } },
      2: { class_type: 'WanVideoLoraSelect', inputs: { lora: 'motion.safetensors', strength: 0.9 } },
      3: { class_type: 'WanVideoTextEncode', inputs: { positive_prompt: 'a river', negative_prompt: 'still' } },
      4: { class_type: 'WanVideoSampler', inputs: { model: ['1', 0], text_embeds: ['3', 0], seed: 1, steps: 30, cfg: 6, scheduler: 'unipc' } }
    })
  })
  t.match(video, { genParams: { prompt: 'a river', negative_prompt: 'still', sampler: 'unipc', steps: 30 }, checkpoint: { name: 'w' }, loras: [{ fileName: 'motion', strength: 0.9 }] })
})

t.test('CivitAI\'s generator: parameters and strengths stand beside the nodes', async (t) => {
  const graph = parseText(JSON.stringify({
    'resource-stack': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'urn:air:sdxl:checkpoint:civitai:1@2' } },
    3: ksampler({ model: ['resource-stack', 0] }),
    extra: { airs: ['urn:air:sdxl:checkpoint:civitai:1@2', 'urn:air:sdxl:lora:civitai:3@4'] },
    extraMetadata: JSON.stringify({ prompt: 'p', negativePrompt: 'n', steps: 30, cfgScale: 6, sampler: 'Euler a', seed: 8, resources: [{ modelVersionId: 2, strength: 1 }, { modelVersionId: 4, strength: 0.6 }] })
  }))
  t.match(graph, { tool: 'civitai', genParams: { prompt: 'p', negative_prompt: 'n', steps: 30, cfg_scale: 6, seed: 8, sampler: 'Euler a' }, checkpoint: { versionId: 2 }, loras: [{ versionId: 4, modelId: 3, strength: 0.6 }] })
})

t.test('a workflow alone is read as it would run', async (t) => {
  const plain = {
    nodes: [
      { id: 1, type: 'CheckpointLoaderSimple', mode: 0, outputs: [{ type: 'MODEL' }], widgets_values: ['m.safetensors'] },
      { id: 2, type: 'LoraLoader', mode: 4, inputs: [{ name: 'model', type: 'MODEL', link: 1 }], outputs: [{ type: 'MODEL' }], widgets_values: ['off.safetensors', 1, 1] },
      { id: 3, type: 'KSampler', mode: 0, inputs: [{ name: 'model', type: 'MODEL', link: 2 }], widgets_values: [7, 'fixed', 12, 4.5, 'euler', 'normal', 1] }
    ],
    links: [[1, 1, 0, 2, 0, 'MODEL'], [2, 2, 0, 3, 0, 'MODEL']],
    version: 0.4
  }
  const bypassed = png({ workflow: JSON.stringify(plain) })
  t.match(bypassed, { hasWorkflow: true, loras: [], checkpoint: { name: 'm' }, genParams: { seed: 7, steps: 12, cfg_scale: 4.5, sampler: 'euler', scheduler: 'normal', denoising_strength: 1 } })
  t.ok(bypassed?.warnings.length)

  const nodes = [
    { id: 1, type: 'UNETLoader', mode: 0, outputs: [{ type: 'MODEL' }], widgets_values: ['u.safetensors', 'default'] },
    { id: 2, type: 'SetNode', mode: 0, inputs: [{ name: 'MODEL', type: 'MODEL', link: 1 }], outputs: [{ type: 'MODEL' }], widgets_values: ['the model'] },
    { id: 3, type: 'GetNode', mode: 0, outputs: [{ type: 'MODEL' }], widgets_values: ['the model'] },
    { id: 4, type: 'Reroute', mode: 0, inputs: [{ name: '', type: '*', link: 2 }], outputs: [{ type: 'MODEL' }] },
    { id: 5, type: 'Power Lora Loader (rgthree)', mode: 0, inputs: [{ name: 'model', type: 'MODEL', link: 3 }], outputs: [{ type: 'MODEL' }], widgets_values: [{}, { type: 'PowerLoraLoaderHeaderWidget' }, { on: true, lora: 'a.safetensors', strength: 0.6, strengthTwo: null }, { on: false, lora: 'b.safetensors', strength: 1 }, null, ''] },
    { id: 6, type: 'Lora Loader (LoraManager)', mode: 0, inputs: [{ name: 'model', type: 'MODEL', link: 4 }], outputs: [{ type: 'MODEL' }], widgets_values: ['<lora:c:0.5>', [{ name: 'c', strength: 0.5, active: true }, { name: 'd', strength: 1, active: false }]] },
    { id: 7, type: 'LoraLoader', mode: 2, inputs: [{ name: 'model', type: 'MODEL', link: null }], outputs: [{ type: 'MODEL' }], widgets_values: ['muted.safetensors', 1, 1] },
    { id: 8, type: 'PrimitiveNode', mode: 0, outputs: [{ type: 'INT' }], widgets_values: [123, 'fixed'] },
    { id: 9, type: '6f1d2c3b-aaaa-4bbb-8ccc-0123456789ab', mode: 0, inputs: [{ name: 'text', type: 'STRING', link: null, widget: { name: 'text' } }], outputs: [{ type: 'CONDITIONING' }], widgets_values: ['a promoted prompt'] },
    { id: 10, type: 'KSampler', mode: 0, inputs: [{ name: 'model', type: 'MODEL', link: 5 }, { name: 'positive', type: 'CONDITIONING', link: 7 }, { name: 'seed', type: 'INT', link: 6, widget: { name: 'seed' } }], widgets_values: [1, 'randomize', 20, 8, 'euler', 'karras', 1] }
  ]
  const links = [[1, 1, 0, 2, 0, 'MODEL'], [2, 3, 0, 4, 0, 'MODEL'], [3, 4, 0, 5, 0, 'MODEL'], [4, 5, 0, 6, 0, 'MODEL'], [5, 6, 0, 10, 0, 'MODEL'], [6, 8, 0, 10, 2, 'INT'], [7, 9, 0, 10, 1, 'CONDITIONING']]
  const subgraph = { id: '6f1d2c3b-aaaa-4bbb-8ccc-0123456789ab', name: 'Prompt', inputs: [{ name: 'text', type: 'STRING' }], outputs: [{ name: 'out', type: 'CONDITIONING' }], nodes: [{ id: 1, type: 'CLIPTextEncode', mode: 0, inputs: [{ name: 'clip', type: 'CLIP', link: null }, { name: 'text', type: 'STRING', link: 1, widget: { name: 'text' } }], outputs: [{ type: 'CONDITIONING' }], widgets_values: ['inner'] }], links: [{ id: 1, origin_id: -10, origin_slot: 0, target_id: 1, target_slot: 1 }, { id: 2, origin_id: 1, origin_slot: 0, target_id: -20, target_slot: 0 }] }
  const whole = png({ workflow: JSON.stringify({ nodes, links, definitions: { subgraphs: [subgraph] }, version: 0.4 }) })
  t.same(short(whole?.loras), [['a', 0.6], ['c', 0.5]])
  t.match(whole, { checkpoint: { name: 'u' }, genParams: { seed: 123, steps: 20, scheduler: 'karras', prompt: 'a promoted prompt' } })

  const group = {
    nodes: [
      { index: 0, type: 'CheckpointLoaderSimple', outputs: [{ type: 'MODEL' }], widgets_values: ['inner-default.safetensors'] },
      { index: 1, type: 'KSampler', inputs: [{ name: 'model', type: 'MODEL', link: null }, { name: 'positive', type: 'CONDITIONING', link: null }], outputs: [{ type: 'LATENT' }], widgets_values: [1, 'fixed', 1, 1, 'euler', 'simple', 1] }
    ],
    links: [[0, 0, 1, 0, 1, 'MODEL']],
    external: []
  }
  const grouped = png({
    workflow: JSON.stringify({
      nodes: [
        { id: 5, type: 'workflow>Mine', mode: 0, inputs: [{ name: 'positive', type: 'CONDITIONING', link: 1 }], outputs: [{ type: 'LATENT' }], widgets_values: ['used.safetensors', 44, 'fixed', 9, 3, 'heun', 'beta', 0.5] },
        { id: 6, type: 'CLIPTextEncode', mode: 0, inputs: [{ name: 'clip', type: 'CLIP', link: null }], outputs: [{ type: 'CONDITIONING' }], widgets_values: ['outer prompt'] }
      ],
      links: [[1, 6, 0, 5, 0, 'CONDITIONING']],
      extra: { groupNodes: { Mine: group } }
    })
  })
  t.match(grouped, { checkpoint: { name: 'used' }, genParams: { seed: 44, steps: 9, cfg_scale: 3, sampler: 'heun', scheduler: 'beta', denoising_strength: 0.5, prompt: 'outer prompt' } })
})

t.test('a text beside a graph wins, and takes what it leaves out from the graph', async (t) => {
  const prompt = JSON.stringify({ 1: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'm.safetensors' } }, 2: { class_type: 'LoraLoader', inputs: { lora_name: 'l.safetensors', strength_model: 0.5, model: ['1', 0] } }, 3: ksampler({ model: ['2', 0] }) })
  t.match(png({ prompt, workflow: '{"nodes":[],"links":[]}', parameters: 'owl\nSteps: 3, Sampler: euler_ancestral_karras, Model: named, Version: ComfyUI' }), {
    tool: 'comfyui', hasWorkflow: true, genParams: { prompt: 'owl', steps: 3, sampler: 'euler_ancestral', scheduler: 'karras' }, checkpoint: { name: 'named' }, loras: [{ fileName: 'l', strength: 0.5 }]
  })
  t.match(png({ prompt, parameters: 'unknown\nNegative prompt: unknown\nSteps: 3' }), { flag: 'from_comfy_metadata', genParams: { steps: 12 } }, 'savers that lost the prompt are not believed')
  t.match(parseText('unknown\nNegative prompt: n\nSteps: 3, Model: sub/x.safetensors'), { genParams: { steps: 3 }, checkpoint: { name: 'x', fileName: 'sub/x' } }, 'without a graph they are better than nothing')
  t.match(png({ comment: JSON.stringify({ prompt, workflow: { nodes: [], links: [] } }) }), { flag: 'from_comfy_metadata', hasWorkflow: true }, 'both graphs in one text')
})

t.test('hostile texts end in nothing, without throwing and in no time', async (t) => {
  const big = 200_000
  const texts = [
    '<lora:'.repeat(big), `x\nSteps: 1, ${'a: "'.repeat(big)}`, `x\nSteps: 1, ${'k: ['.repeat(big)}`, 'Steps: 1\n'.repeat(big), `{"1":${'['.repeat(big)}`, 'Recipe metadata: {'.repeat(big / 10), 'Lora_0 Model hash: '.repeat(big / 10),
    `{"nodes":[${'{"id":1,"type":"Reroute","inputs":[{"link":1},{"link":1}]},'.repeat(2000)}{"id":2,"type":"KSampler","inputs":[{"name":"model","link":1}]}],"links":[[1,1,0,2,0]]}`,
    '{"__proto__":{"class_type":"KSampler","inputs":{"model":["__proto__",0]}},"constructor":{"class_type":"x"}}', '{"1":{"class_type":"KSampler","inputs":{"model":["1",0],"steps":["1",0],"seed":["1",0],"positive":["1",0],"latent_image":["1",0]}}}'
  ]
  for (const text of texts) {
    const began = performance.now()
    parseText(text)
    t.ok(performance.now() - began < 500, text.slice(0, 20))
  }
  t.notOk('class_type' in {})
})

t.test('damaged texts and files are read or passed over, fast', async (t) => {
  const { thrown, slow, understood } = await fuzz({ inputs: 1500, seed: 7 })
  t.same(thrown, [])
  t.same(slow, [])
  t.ok(understood > 200, 'most of it is still read by some parser')
})

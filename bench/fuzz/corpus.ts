import { deflateSync, brotliCompressSync } from 'node:zlib'
import { embedTexts } from '../../services/images/embed-texts.ts'

/** What mutations start from: a text of every format that is parsed, and a file of every container. */
export interface Corpus { texts: readonly string[], files: readonly Buffer[] }

const graph = JSON.stringify({
  1: { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: 'base.safetensors' } },
  2: { class_type: 'Power Lora Loader (rgthree)', inputs: { lora_1: { on: true, lora: 'a.safetensors', strength: 0.7 }, model: ['1', 0] } },
  3: { class_type: 'LoRA Stacker', inputs: { input_mode: 'advanced', lora_count: 1, lora_name_1: 'b', model_str_1: 0.4 } },
  4: { class_type: 'Lora Loader (LoraManager)', inputs: { model: ['2', 0], lora_stack: ['3', 0], text: '<lora:x:1>', loras: { __value__: [{ name: 'd', strength: '0.8', active: true }] } } },
  5: { class_type: 'Text Concatenate', inputs: { delimiter: ', ', text_a: 'storm', text_b: ['6', 0] } },
  6: { class_type: 'StringConstant', inputs: { string: 'a lighthouse' } },
  7: { class_type: 'CLIPTextEncode', inputs: { text: ['5', 0], clip: ['1', 1] } },
  8: { class_type: 'ControlNetApplyAdvanced', inputs: { positive: ['7', 0], negative: ['7', 0] } },
  9: { class_type: 'EmptyLatentImage', inputs: { width: 96, height: 64 } },
  10: { class_type: 'KSampler', inputs: { seed: 7, steps: 12, cfg: 4.5, sampler_name: 'euler', scheduler: 'normal', denoise: 1, model: ['4', 0], positive: ['8', 0], negative: ['8', 1], latent_image: ['9', 0] } },
  11: { class_type: 'VAEDecode', inputs: { samples: ['10', 0] } },
  12: { class_type: 'SaveImage', inputs: { images: ['11', 0] } },
  extraMetadata: '{"prompt":"p","steps":1,"resources":[{"modelVersionId":4,"strength":0.6}]}',
  extra: { airs: ['urn:air:sdxl:lora:civitai:3@4'] }
})

const workflow = JSON.stringify({
  nodes: [
    { id: 1, type: 'UNETLoader', mode: 0, outputs: [{ type: 'MODEL' }], widgets_values: ['u', 'default'] },
    { id: 2, type: 'SetNode', mode: 0, inputs: [{ name: 'MODEL', type: 'MODEL', link: 1 }], widgets_values: ['m'] },
    { id: 3, type: 'GetNode', mode: 0, outputs: [{ type: 'MODEL' }], widgets_values: ['m'] },
    { id: 4, type: 'Any Switch (rgthree)', mode: 0, inputs: [{ name: 'any_01', type: '*', link: 2 }, { name: 'any_02', type: '*', link: 2 }], outputs: [{ type: '*' }] },
    { id: 5, type: 'LoraLoader', mode: 4, inputs: [{ name: 'model', type: 'MODEL', link: 3 }], outputs: [{ type: 'MODEL' }], widgets_values: ['l', 1, 1] },
    { id: 6, type: 'g', mode: 0, inputs: [{ name: 'text', type: 'STRING', link: null, widget: { name: 'text' } }], outputs: [{ type: 'CONDITIONING' }], widgets_values: ['p'] },
    { id: 7, type: 'workflow>G', mode: 0, inputs: [{ name: 'model', type: 'MODEL', link: 4 }, { name: 'positive', type: 'CONDITIONING', link: 5 }], outputs: [{ type: 'LATENT' }], widgets_values: [1, 'fixed', 2, 3, 'euler', 'beta', 1] }
  ],
  links: [[1, 1, 0, 2, 0, 'MODEL'], [2, 3, 0, 4, 0, 'MODEL'], [3, 4, 0, 5, 0, 'MODEL'], [4, 5, 0, 7, 0, 'MODEL'], [5, 6, 0, 7, 1, 'CONDITIONING']],
  definitions: { subgraphs: [{ id: 'g', inputs: [{ name: 'text' }], nodes: [{ id: 1, type: 'CLIPTextEncode', inputs: [{ name: 'text', link: 1, widget: { name: 'text' } }], widgets_values: ['i'] }], links: [{ id: 1, origin_id: -10, origin_slot: 0, target_id: 1, target_slot: 0 }, { id: 2, origin_id: 1, origin_slot: 0, target_id: -20, target_slot: 0 }] }] },
  extra: { groupNodes: { G: { nodes: [{ type: 'KSampler', inputs: [{ name: 'model', type: 'MODEL' }, { name: 'positive', type: 'CONDITIONING' }], outputs: [{ type: 'LATENT' }], widgets_values: [1, 'fixed', 2, 3, 'euler', 'beta', 1] }], links: [], external: [] } } }
})

const automatic = 'a red kite <lora:kite_style:0.75> <hypernet:h:1>\nNegative prompt: blurry\nSteps: 24, Sampler: "DPM++ 2M, Karras", CFG scale: 6.5, Seed: 42, Size: 640x960, Model hash: 1a2b3c4d5e, Model: skyMix, Hashes: {"model":"aaaa111122","lora:a":"1111111111"}, Lora hashes: "kite_style: 9f8e7d6c5b4a", TI hashes: "t: 0123456789", Civitai resources: [{"type":"lora","modelVersionId":22,"weight":0.9,"air":"urn:air:sdxl:lora:civitai:5@33"}], AddNet Model 1: old(0123456789ab), Version: f2.0.1v1.10.1'

const texts: readonly string[] = [
  automatic, graph, workflow,
  'boat \n Recipe metadata: {"title": "Boat", "base_model": "Pony", "loras": [{"file_name": "wave", "hash": "aa", "strength": 0.7, "modelVersionId": 5}], "gen_params": {"prompt": "p", "steps": 4}, "tags": ["sea"], "checkpoint": {"name": "b"}}',
  'owl\nNegative prompt: dull\nSampler: x, Seed: 5, Model hash: abcdef1234, Lora_0 Model name: Feather.safetensors, Lora_0 Model hash: 0123456789, Lora_0 Strength model: 0.7',
  '{"sui_image_params":{"prompt":"p <lora:y:0.3>","seed":3,"steps":8,"width":10,"height":20,"loras":["z"],"loraweights":["0.7"]},"sui_models":[{"name":"mx.safetensors","param":"model","hash":"0xABCDEF0123"}]}',
  '{"prompt":"fox","negative_prompt":"","steps":30,"guidance_scale":4,"seed":"9007199254740995","resolution":"(832, 1216)","base_model":"jx","styles":"[\'A\']","loras":[["ink",0.5,"bbbb222233"]],"metadata_scheme":"fooocus"}',
  '{"Prompt":"p","Negative":"n","steps":4,"base_model_name":"b","loras":[{"name":"k","weight":0.3},"old - 0.7"],"software":"RuinedFooocus"}',
  '{"invokeai_metadata":{"positive_prompt":"owl","steps":9,"model":{"name":"b"},"loras":[{"lora":{"model_name":"o"},"weight":0.9}]}}',
  '{"Comment":"{\\"steps\\":9,\\"uc\\":\\"fog\\",\\"noise_schedule\\":\\"karras\\",\\"v4_prompt\\":{\\"caption\\":{\\"base_caption\\":\\"b\\",\\"char_captions\\":[{\\"char_caption\\":\\"g\\"}]}}}","Description":"owl"}',
  '{"c":"owl","uc":"fog","model":"m","sampler":"s","size":"9x9","lora":[{"model":"i","weight":0.6}]}',
  '{"prompt":"owl","use_stable_diffusion_model":"m","use_lora_model":"[\'a\', \'b\']","lora_alpha":[0.5,1]}',
  '{"prompt":"owl","resolution":"1024 x 768","Model":"S","use_upscaler":{"upscale_by":1.5}}',
  'owl <lora:ink:0.5:0.2>'
]

const chunk = (type: string, data: Buffer): Buffer => {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(data.length)
  head.write(type, 4, 'latin1')
  return Buffer.concat([head, data, Buffer.alloc(4)])
}
const box = (type: string, ...contents: Buffer[]): Buffer => {
  const data = Buffer.concat(contents)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(data.length + 8)
  head.write(type, 4, 'latin1')
  return Buffer.concat([head, data])
}
const u32 = (value: number): Buffer => Buffer.from([value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255])
const element = (id: string, ...contents: Buffer[]): Buffer => {
  const data = Buffer.concat(contents)
  return Buffer.concat([Buffer.from(id, 'hex'), Buffer.from([0x08 | (data.length >>> 24 & 7), (data.length >>> 16) & 255, (data.length >>> 8) & 255, data.length & 255].map((byte, index) => index === 0 ? 0x10 | (byte & 7) : byte)), data])
}

/** One file of each container, the texts in it where that format has them. */
function files (): Buffer[] {
  const header = chunk('IHDR', Buffer.from('00000008000000060802000000', 'hex'))
  const png = Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'), header, chunk('tEXt', Buffer.from(`parameters\0${automatic}`)), chunk('zTXt', Buffer.concat([Buffer.from('prompt\0\0'), deflateSync(graph)])),
    chunk('iTXt', Buffer.from('XML:com.adobe.xmp\0\0\0\0\0<rdf:Description xmp:CreatorTool="Draw Things"><exif:UserComment><rdf:li>{&quot;c&quot;:&quot;x&quot;}</rdf:li></exif:UserComment></rdf:Description>')),
    chunk('IDAT', Buffer.alloc(64)), chunk('IDAT', Buffer.alloc(64)), chunk('iTXt', Buffer.from(`workflow\0\0\0\0\0${workflow}`)), chunk('IEND', Buffer.alloc(0))
  ])
  const written = { parameters: automatic, prompt: graph, workflow }
  const vp8 = Buffer.from('52494646220000005745425056503820160000003001009d012a0800060000004002', 'hex')
  const webp = embedTexts(Buffer.concat([vp8, Buffer.alloc(42 - vp8.length)]), written)
  const jpeg = embedTexts(Buffer.from('ffd8ffc0000b080006000801011100ffda0002ffd9', 'hex'), written)
  const keys = box('keys', u32(0), u32(1), u32(14), Buffer.from('mdtaprompt'))
  const mp4 = Buffer.concat([box('ftyp', Buffer.from('isom\0\0\u0002\0isommp41', 'latin1')), box('moov', box('meta', box('hdlr', Buffer.alloc(25)), keys, box('ilst', box('\0\0\0\u0001', box('data', u32(1), u32(0), Buffer.from(graph))))))])
  const webm = Buffer.concat([element('1a45dfa3', element('4282', Buffer.from('webm'))), element('18538067', element('1254c367', element('7373', element('67c8', element('45a3', Buffer.from('PROMPT')), element('4487', Buffer.from(graph))))))])
  const jxl = Buffer.concat([Buffer.from('0000000c4a584c200d0a870a', 'hex'), box('ftyp', Buffer.from('jxl \0\0\0\0jxl ', 'latin1')), box('brob', Buffer.from('comf'), brotliCompressSync(JSON.stringify({ prompt: graph, workflow })))])
  const avif = Buffer.concat([box('ftyp', Buffer.from('avif\0\0\0\0avifmif1', 'latin1')), box('meta', Buffer.alloc(4), box('iinf', Buffer.alloc(4), Buffer.from('0001', 'hex'), box('infe', Buffer.from('0200000000010000', 'hex'), Buffer.from('Exif\0'))), box('iloc', Buffer.from('0000000044000001000100000001', 'hex'), u32(0), u32(64)), box('iprp', box('ipco', box('ispe', u32(0), u32(9), u32(9)))))])
  return [png, webp, jpeg, mp4, webm, jxl, avif].filter((file) => file !== null)
}

export function createCorpus (): Corpus {
  return { texts, files: files() }
}

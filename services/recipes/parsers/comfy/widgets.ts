import { isObject } from '../../../models/read-value.ts'

/** Values that follow a seed although no widget is defined for them. */
const controls: ReadonlySet<unknown> = new Set(['fixed', 'increment', 'decrement', 'randomize', true, false])
const isSeed = (name: string): boolean => name === 'seed' || name === 'noise_seed'

/** Names of widgets in the order their values are saved in, control values left out; where the file doesn't name them itself. */
const orders: Readonly<Record<string, readonly string[]>> = {
  CheckpointLoaderSimple: ['ckpt_name'],
  CheckpointLoader: ['config_name', 'ckpt_name'],
  ImageOnlyCheckpointLoader: ['ckpt_name'],
  unCLIPCheckpointLoader: ['ckpt_name'],
  UNETLoader: ['unet_name', 'weight_dtype'],
  UnetLoaderGGUF: ['unet_name'],
  LoraLoader: ['lora_name', 'strength_model', 'strength_clip'],
  LoraLoaderModelOnly: ['lora_name', 'strength_model'],
  HypernetworkLoader: ['hypernetwork_name', 'strength'],
  CLIPTextEncode: ['text'],
  CLIPTextEncodeFlux: ['clip_l', 't5xxl', 'guidance'],
  CLIPTextEncodeSDXL: ['width', 'height', 'crop_w', 'crop_h', 'target_width', 'target_height', 'text_g', 'text_l'],
  CLIPTextEncodeSDXLRefiner: ['ascore', 'width', 'height', 'text'],
  TextEncodeQwenImageEdit: ['prompt'],
  CLIPSetLastLayer: ['stop_at_clip_layer'],
  EmptyLatentImage: ['width', 'height', 'batch_size'],
  EmptySD3LatentImage: ['width', 'height', 'batch_size'],
  EmptyFlux2LatentImage: ['width', 'height', 'batch_size'],
  EmptyHunyuanLatentVideo: ['width', 'height', 'length', 'batch_size'],
  EmptyLTXVLatentVideo: ['width', 'height', 'length', 'batch_size'],
  EmptyMochiLatentVideo: ['width', 'height', 'length', 'batch_size'],
  WanImageToVideo: ['width', 'height', 'length', 'batch_size'],
  SVD_img2vid_Conditioning: ['width', 'height', 'video_frames', 'motion_bucket_id', 'fps', 'augmentation_level'],
  StableZero123_Conditioning: ['width', 'height', 'batch_size', 'elevation', 'azimuth'],
  StableCascade_EmptyLatentImage: ['width', 'height', 'compression', 'batch_size'],
  KSampler: ['seed', 'steps', 'cfg', 'sampler_name', 'scheduler', 'denoise'],
  KSamplerAdvanced: ['add_noise', 'noise_seed', 'steps', 'cfg', 'sampler_name', 'scheduler', 'start_at_step', 'end_at_step', 'return_with_leftover_noise'],
  SamplerCustom: ['add_noise', 'noise_seed', 'cfg'],
  RandomNoise: ['noise_seed'],
  KSamplerSelect: ['sampler_name'],
  BasicScheduler: ['scheduler', 'steps', 'denoise'],
  SDTurboScheduler: ['steps', 'denoise'],
  Flux2Scheduler: ['steps', 'width', 'height'],
  LTXVScheduler: ['steps', 'max_shift', 'base_shift', 'stretch', 'terminal'],
  CFGGuider: ['cfg'],
  DualCFGGuider: ['cfg_conds', 'cfg_cond2_negative'],
  FluxGuidance: ['guidance'],
  PrimitiveInt: ['value'],
  PrimitiveFloat: ['value'],
  PrimitiveString: ['value'],
  PrimitiveStringMultiline: ['value'],
  'CR LoRA Stack': [1, 2, 3].flatMap((n) => [`switch_${n}`, `lora_name_${n}`, `model_weight_${n}`, `clip_weight_${n}`]),
  'Lora Loader Stack (rgthree)': ['01', '02', '03', '04'].flatMap((n) => [`lora_${n}`, `strength_${n}`]),
  'Lora Loader (LoraManager)': ['text', 'loras'],
  'Lora Stacker (LoraManager)': ['text', 'loras'],
  'Prompt (LoraManager)': ['text'],
  'LoRA Text Loader (LoraManager)': ['lora_syntax'],
  'Checkpoint Loader (LoraManager)': ['ckpt_name'],
  'Unet Loader (LoraManager)': ['unet_name', 'weight_dtype'],
  'Seed (rgthree)': ['seed']
}

/** The saved values of a node by the names of its widgets; null where nothing tells the names for sure. */
export function widgetValues (type: string, saved: unknown, socketNames: readonly string[]): Map<string, unknown> | null {
  if (isObject(saved)) return new Map(Object.entries(saved))
  if (!Array.isArray(saved)) return new Map()
  return aligned(socketNames, saved, true) ?? (Object.hasOwn(orders, type) ? aligned(orders[type] ?? [], saved, false) : null)
}

/** Names and values pair by pair; null when their counts differ (`exact`) or values lack. */
function aligned (names: readonly string[], saved: readonly unknown[], exact: boolean): Map<string, unknown> | null {
  if (names.length === 0) return null
  const values = new Map<string, unknown>()
  let at = 0
  for (const name of names) {
    if (at >= saved.length) return exact ? null : values
    values.set(name, saved[at++])
    if (isSeed(name) && controls.has(saved[at])) at++
  }
  return at === saved.length || !exact ? values : null
}

/** Base models known without asking anyone, in the groups that `base-models/categories` answers. */
export const baseModelCategories = {
  'Stable Diffusion 1.x': ['SD 1.4', 'SD 1.5', 'SD 1.5 LCM', 'SD 1.5 Hyper'],
  'Stable Diffusion 2.x': ['SD 2.0', 'SD 2.1'],
  'Stable Diffusion 3.x': ['SD 3', 'SD 3.5', 'SD 3.5 Medium', 'SD 3.5 Large', 'SD 3.5 Large Turbo'],
  SDXL: ['SDXL 1.0', 'SDXL Lightning', 'SDXL Hyper'],
  'Flux Models': [
    'Flux.1 D', 'Flux.1 S', 'Flux.1 Krea', 'Flux.1 Kontext', 'Flux.2 D',
    'Flux.2 Klein 9B', 'Flux.2 Klein 9B-base', 'Flux.2 Klein 4B', 'Flux.2 Klein 4B-base'
  ],
  'Video Models': [
    'SVD', 'LTXV', 'LTXV2', 'LTXV 2.3', 'CogVideoX', 'HappyHorse', 'Mochi', 'Hunyuan Video',
    'Wan Video', 'Wan Video 1.3B t2v', 'Wan Video 14B t2v', 'Wan Video 14B i2v 480p', 'Wan Video 14B i2v 720p',
    'Wan Video 2.2 TI2V-5B', 'Wan Video 2.2 T2V-A14B', 'Wan Video 2.2 I2V-A14B', 'Wan Video 2.5 T2V', 'Wan Video 2.5 I2V',
    'Wan Image 2.7', 'Wan Video 2.7'
  ],
  'Other Models': [
    'ACE Audio', 'Illustrious', 'Pony', 'Pony V7', 'Boogu', 'HiDream', 'HiDream-O1', 'Ideogram 4.0', 'Qwen', 'Qwen 2',
    'AuraFlow', 'Chroma', 'Grok', 'Lens', 'MAI', 'ZImageTurbo', 'ZImageBase', 'PixArt a', 'PixArt E', 'Hunyuan 1', 'Lumina',
    'Kolors', 'NoobAI', 'Anima', 'Ernie', 'Ernie Turbo', 'Nucleus', 'Krea 2', 'Upscaler'
  ]
} as const satisfies Record<string, readonly string[]>

export const builtInBaseModels: readonly string[] = Object.values(baseModelCategories).flat()

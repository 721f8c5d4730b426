/** Built-in base-model names in the groups that clients show. */
export const BASE_MODEL_CATEGORIES: Readonly<Record<string, readonly string[]>> = {
  'Stable Diffusion 1.x': ['SD 1.4', 'SD 1.5', 'SD 1.5 LCM', 'SD 1.5 Hyper'],
  'Stable Diffusion 2.x': ['SD 2.0', 'SD 2.1'],
  'Stable Diffusion 3.x': ['SD 3', 'SD 3.5', 'SD 3.5 Medium', 'SD 3.5 Large', 'SD 3.5 Large Turbo'],
  SDXL: ['SDXL 1.0', 'SDXL Lightning', 'SDXL Hyper'],
  'Flux Models': [
    'Flux.1 D', 'Flux.1 S', 'Flux.1 Krea', 'Flux.1 Kontext', 'Flux.2 D',
    'Flux.2 Klein 9B', 'Flux.2 Klein 9B-base', 'Flux.2 Klein 4B', 'Flux.2 Klein 4B-base'
  ],
  'Video Models': [
    'SVD', 'LTXV', 'LTXV2', 'LTXV 2.3', 'CogVideoX', 'HappyHorse', 'Mochi', 'Hunyuan Video', 'Wan Video',
    'Wan Video 1.3B t2v', 'Wan Video 14B t2v', 'Wan Video 14B i2v 480p', 'Wan Video 14B i2v 720p',
    'Wan Video 2.2 TI2V-5B', 'Wan Video 2.2 T2V-A14B', 'Wan Video 2.2 I2V-A14B',
    'Wan Video 2.5 T2V', 'Wan Video 2.5 I2V', 'Wan Image 2.7', 'Wan Video 2.7'
  ],
  'Other Models': [
    'ACE Audio', 'Illustrious', 'Pony', 'Pony V7', 'Boogu', 'HiDream', 'HiDream-O1', 'Ideogram 4.0', 'Qwen', 'Qwen 2',
    'AuraFlow', 'Chroma', 'Grok', 'Lens', 'MAI', 'ZImageTurbo', 'ZImageBase', 'PixArt a', 'PixArt E', 'Hunyuan 1',
    'Lumina', 'Kolors', 'NoobAI', 'Anima', 'Ernie', 'Ernie Turbo', 'Nucleus', 'Krea 2', 'Upscaler'
  ]
}

/** Every built-in name. */
export const KNOWN_BASE_MODELS: readonly string[] = Object.values(BASE_MODEL_CATEGORIES).flat()

const NO_DIFFUSION_MODELS: ReadonlySet<string> = new Set([
  'HappyHorse', 'Wan Image 2.7', 'Wan Video 2.7', 'ACE Audio', 'Illustrious', 'Pony', 'Pony V7', 'Boogu', 'HiDream-O1',
  'Ideogram 4.0', 'Qwen 2', 'Grok', 'Lens', 'MAI', 'NoobAI', 'Upscaler'
])

/** Base models whose checkpoints are bare diffusion models and belong under the `unet` roots. Exact, case-sensitive. */
export const DIFFUSION_BASE_MODELS: ReadonlySet<string> = new Set(
  ['Flux Models', 'Video Models', 'Other Models']
    .flatMap((category) => BASE_MODEL_CATEGORIES[category] ?? [])
    .filter((name) => !NO_DIFFUSION_MODELS.has(name))
)

const byLowerCase: ReadonlyMap<string, string> = new Map(KNOWN_BASE_MODELS.map((name) => [name.toLowerCase(), name]))

/** First match wins. The rules up to Pony are what clients know; those below read further spellings of trainers. */
const headerRules: readonly (readonly [RegExp, string])[] = [
  [/sd_1\.5|sd-v1-5/, 'SD 1.5'],
  [/sd-v2-1/, 'SD 2.1'],
  [/sdxl/, 'SDXL 1.0'],
  [/sd-v2/, 'SD 2.0'],
  [/flux1|flux\.1 d/, 'Flux.1 D'],
  [/illustrious|(?<![a-z0-9])il(?![a-z0-9])/, 'Illustrious'],
  [/pony/, 'Pony'],
  [/noob/, 'NoobAI'],
  [/stable-diffusion-xl/, 'SDXL 1.0'],
  [/(?:sd|stable-diffusion)[-_]?v?3\.5[-_ ]large[-_ ]turbo/, 'SD 3.5 Large Turbo'],
  [/(?:sd|stable-diffusion)[-_]?v?3\.5[-_ ]large/, 'SD 3.5 Large'],
  [/(?:sd|stable-diffusion)[-_]?v?3\.5[-_ ]medium/, 'SD 3.5 Medium'],
  [/(?:sd|stable-diffusion)[-_]?v?3\.5/, 'SD 3.5'],
  [/(?:sd|stable-diffusion)[-_]?v?3/, 'SD 3'],
  [/sd_v2_v|sd_?2\.1|stable-diffusion-v2-(?:1|768)/, 'SD 2.1'],
  [/sd_v2|stable-diffusion-v2/, 'SD 2.0'],
  [/sd_v1|stable-diffusion-v1/, 'SD 1.5'],
  [/flux.*kontext/, 'Flux.1 Kontext'],
  [/flux.*krea/, 'Flux.1 Krea'],
  [/flux.*schnell/, 'Flux.1 S'],
  [/flux[-._]?2.*dev/, 'Flux.2 D'],
  [/flux[-._]?1?[-._]?d/, 'Flux.1 D'],
  [/chroma/, 'Chroma'],
  [/hunyuan[-_ ]?video/, 'Hunyuan Video'],
  [/(?<![a-z])wan[-_ ]?(?:video)?[-_ ]?(?:2\.\d|video)/, 'Wan Video'],
  [/qwen[-_ ]?image|^qwen/, 'Qwen'],
  [/z[-_]?image[-_]?turbo/, 'ZImageTurbo'],
  [/ltxv|ltx[-_]video/, 'LTXV'],
  [/hidream/, 'HiDream'],
  [/lumina/, 'Lumina'],
  [/kolors/, 'Kolors'],
  [/auraflow/, 'AuraFlow']
]

/** The known name that a version or architecture string of a file header means, or undefined. */
export function recognisedBaseModel (text: string): string | undefined {
  const lower = text.trim().toLowerCase()
  return byLowerCase.get(lower) ?? headerRules.find(([pattern]) => pattern.test(lower))?.[1]
}

/** Base model of a version string in a file header; a string that means nothing known stays as it is. */
export function baseModelFromHeader (text: string): string {
  return recognisedBaseModel(text) ?? (text.trim() || 'Unknown')
}

/** Base model as CivitAI names it: a known name in its own spelling, any other unchanged, nothing = `Unknown`. */
export function canonicalBaseModel (text: string): string {
  const name = text.trim()
  return byLowerCase.get(name.toLowerCase()) ?? (name || 'Unknown')
}

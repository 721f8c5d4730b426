import type { Details } from './details.ts'
import type { Tool } from './types.ts'

/** Versions of A1111's relatives by their form, the most particular first. */
const versions: readonly (readonly [RegExp, Tool])[] = [
  [/^Fooocus/, 'fooocus'],
  [/^ComfyUI/, 'comfyui'],
  [/^neo(?:$|[-.\s])/, 'forge-neo'],
  [/^classic/, 'forge-classic'],
  [/^f\d+\.\d+\.\d+v\d+-v/, 'reforge'],
  [/^f\d+\.\d+\.\d+-v/, 'easy-reforge'],
  [/^f\d+\.\d+/, 'forge']
]

/** Which program wrote a details line; by its own key `Version`, not that of an extension. */
export function automaticTool (details: Details): Tool {
  if (/^SD\.Next/i.test(details.get('app') ?? '')) return 'sd-next'
  const version = details.get('version')?.slice(0, 80) ?? ''
  const known = versions.find(([form]) => form.test(version))
  if (known) return known[1]
  return details.get('civitai resources') !== undefined || details.get('civitai metadata') !== undefined ? 'civitai' : 'a1111'
}

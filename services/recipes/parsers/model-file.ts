/** Endings of weights that names may bear. */
const weights = /\.(?:safetensors|ckpt|pt|pt2|bin|pth|pkl|sft|gguf)$/i

/** The name with folders but without the ending of weights, folders divided by `/`. */
export function withoutEnding (name: string): string {
  return name.trim().replaceAll('\\', '/').replace(weights, '')
}

/** The stem of a model file: no folder, no ending. */
export function stemOf (name: string): string {
  const path = withoutEnding(name)
  return path.slice(path.lastIndexOf('/') + 1)
}

/** How names of one LoRA in different places are compared. */
export function stemKey (name: string): string {
  return stemOf(name).toLowerCase()
}

export interface CivitaiReference { modelId: number, versionId: number, type: string }

/** `civitai:<model>@<version>`, alone or at the end of an AIR (`urn:air:sdxl:lora:civitai:5@33`). */
export function civitaiReference (name: string): CivitaiReference | null {
  const [, type = '', modelId = '', versionId = ''] = /(?:^|[:/])(?:urn:air:[\w-]{1,40}:([\w-]{1,40}):)?civitai:(\d{1,15})@(\d{1,15})/i.exec(name.slice(0, 500)) ?? []
  return versionId === '' ? null : { modelId: Number(modelId), versionId: Number(versionId), type: type.toLowerCase() }
}

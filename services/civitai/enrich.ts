import type { CivitaiImageDocument, CivitaiModelDocument, CivitaiVersionDocument } from './schema.ts'

/** What a model without a word about its licence allows. */
export const licenceDefaults = { allowNoCredit: true, allowCommercialUse: ['Sell'], allowDerivatives: true, allowDifferentLicense: true }

/** The version with what its model knows: description, tags, licence, creator. */
export function enrichVersion (version: CivitaiVersionDocument, model: CivitaiModelDocument): CivitaiVersionDocument {
  const part = (key: keyof typeof licenceDefaults): unknown => model[key] ?? licenceDefaults[key]
  return {
    ...version,
    modelId: version.modelId ?? model.id,
    model: {
      ...basics(model),
      ...version.model,
      description: model.description ?? null,
      tags: model.tags ?? [],
      allowNoCredit: part('allowNoCredit'),
      allowCommercialUse: part('allowCommercialUse'),
      allowDerivatives: part('allowDerivatives'),
      allowDifferentLicense: part('allowDifferentLicense')
    },
    creator: model.creator ?? version.creator ?? null
  }
}

function basics ({ name, type, nsfw, poi }: CivitaiModelDocument): NonNullable<CivitaiVersionDocument['model']> {
  return { ...(name !== undefined && { name }), ...(type !== undefined && { type }), nsfw: nsfw ?? false, poi: poi ?? false }
}

/** Generation graphs of ComfyUI are large, and nobody reads them from here. */
export function withoutGraphs (version: CivitaiVersionDocument): CivitaiVersionDocument {
  for (const image of version.images ?? []) dropGraph(image)
  return version
}

export function dropGraph (image: CivitaiImageDocument): CivitaiImageDocument {
  if (image.meta) delete (image.meta as Record<string, unknown>).comfy
  return image
}

import { canonicalGenParams } from '../gen-params.ts'
import { checkpointOf, loraOf, parsedImage, present } from './parsed-image.ts'
import { fieldsIn, idIn, listIn, nameIn, type Fields } from './read-fields.ts'
import type { Evidence, MetadataParser, ParsedImage } from './types.ts'

const MARKER = 'recipe metadata: '

/** The recipe that we and our relatives write into images (recipes §2.2, §10.2). Whatever else the image says, this is what it is. */
export const recipeFormat: MetadataParser = {
  name: 'recipe-format',
  parse (evidence) {
    for (const text of evidence.candidates()) {
      const recipe = recipeIn(text, evidence)
      if (recipe) return fromRecipe(recipe, evidence)
    }
    return null
  }
}

/** The object behind the last marker that has one: prompts may quote the words. */
function recipeIn (text: string, { json }: Evidence): Fields | null {
  const lower = text.toLowerCase()
  const end = text.lastIndexOf('}')
  for (let at = lower.lastIndexOf(MARKER), tries = 0; at >= 0 && tries < 4; at = at === 0 ? -1 : lower.lastIndexOf(MARKER, at - 1), tries++) {
    const start = text.indexOf('{', at)
    if (start < 0 || start >= end) continue
    const lineEnd = text.indexOf('\n', start)
    const recipe = fieldsIn(json(text.slice(start, end + 1)) ?? (lineEnd > 0 ? json(text.slice(start, lineEnd)) : undefined))
    if (Array.isArray(recipe.loras) || 'title' in recipe || 'gen_params' in recipe) return recipe
  }
  return null
}

function fromRecipe (recipe: Fields, evidence: Evidence): ParsedImage {
  const checkpoint = fieldsIn(recipe.checkpoint)
  return parsedImage('recipe', 'from_recipe_metadata', {
    genParams: canonicalGenParams(recipe.gen_params),
    baseModel: nameIn(recipe.base_model) ?? null,
    title: typeof recipe.title === 'string' ? recipe.title : '',
    tags: listIn(recipe.tags).filter((tag): tag is string => typeof tag === 'string'),
    loras: present(listIn(recipe.loras).map((entry) => {
      const lora = fieldsIn(entry)
      return loraOf({
        name: lora.modelName ?? lora.name,
        fileName: lora.file_name,
        hash: lora.hash,
        versionId: lora.modelVersionId ?? lora.id,
        modelId: lora.modelId,
        versionName: lora.modelVersionName ?? lora.version,
        baseModel: lora.baseModel,
        strength: lora.strength ?? lora.weight
      })
    })),
    checkpoint: checkpointOf({
      name: nameIn(checkpoint.modelName) ?? checkpoint.name,
      fileName: checkpoint.file_name,
      hash: checkpoint.hash,
      versionId: idIn(checkpoint.modelVersionId) || checkpoint.id,
      modelId: checkpoint.modelId,
      versionName: nameIn(checkpoint.modelVersionName) ?? checkpoint.version,
      baseModel: checkpoint.baseModel,
      type: checkpoint.type
    }),
    hasWorkflow: evidence.text('workflow') !== undefined
  })
}

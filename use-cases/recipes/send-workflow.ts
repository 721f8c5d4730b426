import { DomainError, InvalidInputError, NotFoundError } from '../../services/errors.ts'
import { isObject } from '../../services/models/read-value.ts'
import type { Door } from '../../services/network/types.ts'
import { destinationNames } from '../../services/network/destinations.ts'
import type { RecipeShelf } from '../../services/recipes/ports.ts'
import { readWorkflow } from '../../services/recipes/read-workflow.ts'
import type { SettingsManager } from '../../services/settings/types.ts'

interface Deps {
  recipes: Pick<RecipeShelf, 'read'>
  settings: Pick<SettingsManager, 'get'>
  door: Pick<Door, 'request'>
}

const TIME_LIMIT_MS = 10_000

/**
 * Hands the workflow in a recipe's image to the ComfyUI that the settings name.
 * @throws NotFoundError for an unknown recipe and (`no_workflow`) one without; InvalidInputError when no ComfyUI is named
 */
export const sendWorkflow = ({ recipes, settings, door }: Deps) => async (id: string): Promise<{ sent: true }> => {
  const recipe = await recipes.read(id)
  if (!recipe) throw new NotFoundError('Recipe not found', 'recipe-not-found')
  const base = settings.get('comfyui_url')
  if (typeof base !== 'string' || !URL.canParse(base)) throw new InvalidInputError('Standalone Mode Active', 'standalone')
  const workflow = await readWorkflow(recipe.imagePath)
  if (!workflow) throw new NotFoundError('no_workflow', 'no-workflow')
  const { status, body } = await door.request({
    destination: destinationNames.comfyUi,
    url: new URL(`/api/lm/recipe/${encodeURIComponent(id)}/send-workflow`, base).href,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ workflow, name: recipe.document.title, recipe_id: id }),
    urgent: true,
    signal: AbortSignal.timeout(TIME_LIMIT_MS)
  })
  if (status >= 200 && status < 300) return { sent: true }
  throw new DomainError('upstream', 'comfyui-refused', reasonIn(body) ?? `ComfyUI answered ${status}`)
}

function reasonIn (body: Buffer): string | undefined {
  try {
    const answer: unknown = JSON.parse(body.toString('utf8'))
    return isObject(answer) && typeof answer.error === 'string' ? answer.error : undefined
  } catch {
    // whatever it is, it is no reason
    return undefined
  }
}

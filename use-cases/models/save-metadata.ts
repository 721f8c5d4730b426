import { applyEdits, readEdits } from '../../services/models/edited-fields.ts'
import { announceUpdated, autoTags, requirePath, type ChangeDeps } from './change-deps.ts'

/** Changes fields of a model's sidecar; answers the labels that follow from it. @throws InvalidInputError, NotFoundError */
export const saveMetadata = (deps: Pick<ChangeDeps, 'library' | 'hub' | 'editSidecar'>) => async ({ file_path: path, ...updates }: Record<string, unknown>): Promise<string[]> => {
  const edits = readEdits(updates)
  const { model, operation } = await deps.editSidecar({
    path: requirePath(path, 'File path is required'),
    kind: 'edit',
    route: 'save-metadata',
    summary: `Edit ${[...edits.keys()].slice(0, 5).join(', ')}`,
    change (document) { applyEdits(document, edits) }
  })
  announceUpdated(deps, model, operation)
  if (edits.has('model_name')) deps.hub.broadcast('fetch', { type: 'models_changed' })
  return autoTags(model)
}

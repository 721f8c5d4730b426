import { InvalidInputError } from '../../services/errors.ts'
import { normalTags } from '../../services/models/edited-fields.ts'
import { announceUpdated, autoTags, requirePath, type ChangeDeps } from './change-deps.ts'

export interface AddTagsInput { file_path?: unknown, tags?: unknown }

/** Appends what the model has not yet, whatever the case; answers all its tags. @throws InvalidInputError, NotFoundError */
export const addTags = (deps: Pick<ChangeDeps, 'library' | 'hub' | 'editSidecar'>) => async ({ file_path: path, tags = [] }: AddTagsInput): Promise<{ tags: string[], auto_tags: string[] }> => {
  const file = requirePath(path, 'File path is required')
  if (!Array.isArray(tags)) throw new InvalidInputError('Tags must be a list')
  const { model, operation } = await deps.editSidecar({
    path: file,
    kind: 'edit',
    route: 'add-tags',
    summary: 'Add tags',
    change (document) {
      const present = Array.isArray(document.tags) ? document.tags.filter((tag) => typeof tag === 'string') : []
      const known = new Set(present.map((tag) => tag.toLowerCase()))
      document.tags = [...present, ...normalTags(tags).filter((tag) => !known.has(tag))]
    }
  })
  announceUpdated(deps, model, operation)
  return { tags: model.tags, auto_tags: autoTags(model) }
}

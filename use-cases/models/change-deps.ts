import type { Journal } from '../../services/journal/types.ts'
import type { EditSidecar } from '../../services/models/edit-sidecar.ts'
import type { IndexedModel } from '../../services/models/entry.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import type { ProgressHub } from '../../services/progress/types.ts'
import { InvalidInputError } from '../../services/errors.ts'
import { autoTagMask, autoTagsOf } from '../../services/models/auto-tags.ts'

/** What changes of models need. */
export interface ChangeDeps {
  library: ModelLibrary
  hub: Pick<ProgressHub, 'publish' | 'broadcast'>
  journal: Journal
  editSidecar: EditSidecar
}

/** @throws InvalidInputError with the text given */
export function requirePath (value: unknown, message: string): string {
  if (typeof value !== 'string' || value.trim() === '') throw new InvalidInputError(message)
  return value
}

/** The list of paths of a body. @throws InvalidInputError with the text given */
export function requirePaths (value: unknown, message: string): string[] {
  if (!Array.isArray(value) || value.length === 0) throw new InvalidInputError(message)
  if (!value.every((path) => typeof path === 'string' && path.trim() !== '')) throw new InvalidInputError('Every file path must be text')
  return value
}

/** Labels that clients show beside the user's tags. */
export function autoTags (model: IndexedModel): string[] {
  return autoTagsOf(autoTagMask(model.file_name, model.base_model, model.civitai?.name ?? '', model.tags))
}

/** Puts one changed model on the feed. */
export function announceUpdated ({ hub, library }: Pick<ChangeDeps, 'hub' | 'library'>, model: IndexedModel, operation: string | null): void {
  const refs = operation === null ? {} : { operation }
  hub.publish('model.updated', { model_type: library.type.name, file_path: model.file_path }, refs)
  hub.publish('facets.changed', { model_type: library.type.name }, refs)
}

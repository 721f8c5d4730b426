import { InvalidInputError, NotFoundError } from '../../services/errors.ts'
import { announceUpdated, requirePath, type ChangeDeps } from './change-deps.ts'

export interface ModelPathInput { file_path?: unknown }

type Deps = Pick<ChangeDeps, 'library' | 'hub' | 'editSidecar'>

/** Takes a model out of every list; its files stay. @throws InvalidInputError, NotFoundError */
export const excludeModel = (deps: Deps) => async ({ file_path: path }: ModelPathInput): Promise<string> =>
  `Model ${await setExcluded(deps, requirePath(path, 'Model path is required'), true)} excluded`

/** Takes an excluded model back into the lists. @throws InvalidInputError when its file is not there */
export const includeModel = (deps: Deps) => async ({ file_path: path }: ModelPathInput): Promise<string> => {
  const file = requirePath(path, 'Model path is required')
  try {
    return `Model ${await setExcluded(deps, file, false)} restored`
  } catch (error) {
    if (error instanceof NotFoundError) throw new InvalidInputError('The model file does not exist', 'model-file-missing')
    throw error
  }
}

async function setExcluded (deps: Deps, path: string, exclude: boolean): Promise<string> {
  const { model, operation } = await deps.editSidecar({
    path,
    kind: 'edit',
    route: exclude ? 'exclude' : 'unexclude',
    summary: exclude ? 'Exclude a model' : 'Take an excluded model back',
    change (document) { document.exclude = exclude }
  })
  announceUpdated(deps, model, operation)
  deps.hub.broadcast('fetch', { type: 'models_changed' })
  return model.file_path.slice(model.file_path.lastIndexOf('/') + 1)
}

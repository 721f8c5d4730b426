import { DomainError, InvalidInputError } from '../../services/errors.ts'
import { checkFileName } from '../../services/files/file-name-rules.ts'
import type { Journal } from '../../services/journal/types.ts'
import { createFolderListings } from '../../services/models/folder-listings.ts'
import { stemOf } from '../../services/models/file-set.ts'
import { offlineRoots, requireOnline } from '../../services/models/online-roots.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import { previewUrl } from '../../services/models/preview-url.ts'
import { relocateModels } from '../../services/models/relocate-models.ts'
import { planRelocation } from '../../services/models/relocation.ts'
import type { ProgressHub } from '../../services/progress/types.ts'
import { findSource, requiredField } from './find-source.ts'

interface Deps { library: ModelLibrary, journal: Journal, hub: ProgressHub }

export interface RenameInput { file_path?: unknown, new_file_name?: unknown }

export interface RenameAnswer {
  new_file_path: string
  /** Address of the preview, "" without one. */
  new_preview_path: string
  renamed_files: string[]
  reload_required: boolean
}

const MISSING = 'File path and new file name are required'

/** Gives a model another name in its folder, with everything that belongs to it. */
export const renameModel = ({ library, journal, hub }: Deps) => async (input: RenameInput): Promise<RenameAnswer> => {
  const filePath = requiredField(input.file_path, MISSING)
  const name = requiredField(input.new_file_name, MISSING)
  const { model, root } = findSource(library, filePath)
  const slash = model.file_path.lastIndexOf('/')
  const directory = model.file_path.slice(0, slash)
  const fileName = model.file_path.slice(slash + 1)
  const extension = fileName.slice(stemOf(fileName).length)
  checkFileName(name, extension)
  requireOnline(offlineRoots(library), root)

  return await library.exclusively([model.file_path, `${directory}/${name}${extension}`], async () => {
    const listings = createFolderListings()
    const listing = await listings.of(directory)
    if (listing.has(name + extension)) throw new InvalidInputError('A file with this name already exists', 'destination-exists')
    if (listing.hasModel(name)) throw new DomainError('conflict', 'destination-exists', 'Another model of this name would share its files')
    const relocation = await planRelocation(model, { directory, stem: name, subType: null }, listings)
    const { outcomes, models } = await relocateModels({ library, journal, hub }, { kind: 'rename', route: 'rename', summary: `Rename ${fileName} to ${name}${extension}`, relocations: [relocation] })
    const error = outcomes[0]?.error
    if (error) throw new DomainError(error.kind, error.code, error.message)
    return {
      new_file_path: relocation.to,
      new_preview_path: previewUrl(models.get(relocation.to)?.preview_url ?? ''),
      renamed_files: relocation.files.map(({ to }) => to),
      reload_required: false
    }
  })
}

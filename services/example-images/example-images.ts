import { freeSpaceOf, type FreeSpace } from '../downloads/free-space.ts'
import { createFileManager, type FileManager } from '../desktop/file-manager.ts'
import type { Core } from '../core.ts'
import { createSidecarEditor, type EditSidecar } from '../models/edit-sidecar.ts'
import type { ModelLibrary } from '../models/ports.ts'
import type { ModelTypeName } from '../models/types.ts'
import { modelTypes } from '../models/types.ts'
import { createAbsences } from './absences.ts'
import { createAdoptLayout } from './adopt-layout.ts'
import { createAdoptNaming } from './adopt-naming.ts'
import { createAdoption } from './adoption.ts'
import { createAutoDownload } from './auto-download.ts'
import { createExampleBin, type ExampleBin } from './bin.ts'
import { createCountNeeded, type CountNeeded } from './count-needed.ts'
import { createCustomImages, type CustomImages } from './custom-images.ts'
import { createDownloader, type Downloader } from './downloader.ts'
import { createFetchImage } from './fetch-image.ts'
import { createFolderMemory } from './folder-memory.ts'
import { createImportSources, type ImportSources } from './import-sources.ts'
import { createIncoming, type Incoming } from './incoming.ts'
import { createExamplePlaces, isSamePlace, type ExamplePlaces } from './places.ts'
import { createMakeRoom } from './make-room.ts'
import { createProgressFile } from './progress-file.ts'
import { createRealign } from './realign.ts'
import { createShrinkSaved } from './shrink-saved.ts'
import { createImageSources } from './sources.ts'
import { createStaticServing, type StaticServing } from './static-serving.ts'
import { createTakeLocalExamples } from './take-local-examples.ts'

export interface ExampleImages {
  libraries: readonly ModelLibrary[]
  places: ExamplePlaces
  downloader: Downloader
  customImages: CustomImages
  incoming: Incoming
  importSources: ImportSources
  staticServing: StaticServing
  bin: ExampleBin
  fileManager: FileManager
  countNeeded: CountNeeded
  /** After the jobs of the last process were taken up. */
  recover (): void
  close (): void
}

export interface ExampleImagesDeps {
  core: Pick<Core, 'settings' | 'models' | 'hub' | 'jobs' | 'journal' | 'sidecarOverlay' | 'door' | 'metadata' | 'downloads' | 'state'>
  warn (message: string, error: unknown): void
  now?: () => number
  freeSpace?: FreeSpace
}

/** Puts together what the stack of example images works with. */
export function createExampleImages ({ core, warn, now = Date.now, freeSpace = freeSpaceOf }: ExampleImagesDeps): ExampleImages {
  const { settings, models, hub, jobs, journal, state, metadata } = core
  const libraries = modelTypes.map(({ prefix }) => models[prefix])
  const byName = new Map(libraries.map((library) => [library.type.name, library]))
  const editors = new Map(libraries.map((library): [ModelTypeName, EditSidecar] => [library.type.name, createSidecarEditor({ library, journal, overlay: core.sidecarOverlay, recorder: metadata.recorder })]))
  const libraryOf = (type: ModelTypeName): ModelLibrary => required(byName.get(type))
  const editorOf = (type: ModelTypeName): EditSidecar => required(editors.get(type))
  const startedAt = Date.now()

  const places = createExamplePlaces({ settings })
  const progressFile = createProgressFile({ now })
  const folderMemory = createFolderMemory({ state })
  const sources = createImageSources({ state })
  const adoption = createAdoption({
    libraries,
    settings,
    places,
    progressFile,
    folderMemory,
    jobs,
    adoptLayout: createAdoptLayout({ journal, warn }),
    adoptNaming: createAdoptNaming({ libraries, libraryOf, editorOf, journal, sources, progressFile, warn }),
    warn
  })
  const downloader = createDownloader({
    jobs,
    hub,
    libraries,
    places,
    progressFile,
    freeSpace,
    folderMemory,
    adoption,
    libraryOf,
    editorOf,
    syncOf: (type) => metadata.of(type).sync,
    fetchImage: createFetchImage({ door: core.door }),
    takeLocalExamples: createTakeLocalExamples({ libraryOf, editorOf }),
    realign: createRealign({ journal, sources }),
    makeRoom: createMakeRoom({ journal }),
    shrinkSaved: createShrinkSaved({ enabled: () => settings.get('reencode_example_images') === true }),
    absences: createAbsences({ state, now }),
    now,
    startedAt
  })
  const countNeeded = createCountNeeded({ libraries, progressFile })
  const auto = createAutoDownload({
    settings,
    places,
    downloader,
    downloads: core.downloads,
    countPending: async (place) => (await countNeeded(place, new Set(byName.keys()))).pending_count,
    warn
  })
  const staticServing = createStaticServing({ places })

  let known = places.find()
  const stopListening = settings.onChange(() => {
    const place = places.find()
    if (isSamePlace(place, known)) return
    known = place
    staticServing.reset()
    // What a run works on is fixed at its start.
    downloader.abandon()
    adoption.begin()
  })

  return {
    libraries,
    places,
    downloader,
    customImages: createCustomImages({ libraries, editorOf, hub }),
    incoming: createIncoming({ freeSpace, startedAt }),
    importSources: createImportSources({ settings, places }),
    staticServing,
    bin: createExampleBin({ journal, now }),
    fileManager: createFileManager(),
    countNeeded,
    recover () {
      downloader.recover()
      adoption.begin()
    },
    close () {
      adoption.close()
      stopListening()
      auto.close()
    }
  }
}

function required<T> (value: T | undefined): T {
  if (value === undefined) throw new Error('There is no such type of models')
  return value
}

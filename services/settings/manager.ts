import { ConflictError, DomainError } from '../errors.ts'
import { systemClock } from '../progress/clock.ts'
import { answerOf } from './answer.ts'
import { planChange } from './change.ts'
import { documentText } from './document.ts'
import { planLibrary, requireLibrary, withoutLibrary, withRenamedLibrary } from './library-change.ts'
import { anyFolderExists, fileMessage, missingFoldersMessage } from './messages.ts'
import { recipesDirectory } from './recipes-directory.ts'
import { createChangeQueue, createListeners } from './sequence.ts'
import { activeOf, changedKeys, effectiveValues, emptyDocument, stateOf, visibleLibraries } from './state.ts'
import { createSettingsStorage } from './storage.ts'
import type { Logger } from '../logger.ts'
import type { Clock } from '../progress/clock.ts'
import type { SettingsState } from './state.ts'
import type { Library, ModelsOverlay, RecipesMover, Refusal, SettingsChange, SettingsManager, StartupMessage } from './types.ts'

export interface SettingsManagerDeps {
  /** Absolute directory of settings.json; made at the first save. */
  directory: string
  /** Values from the environment for this run: in force, reported, never saved. */
  overlay?: Readonly<Record<string, unknown>>
  /** Folders given for this run; their library is active and never saved, and sidecars are then written on edits only. */
  modelsOverlay?: ModelsOverlay | null
  logger: Logger
  clock?: Clock
}

/**
 * Opens the settings. Nothing is made or rewritten at the start: a missing file means defaults, a broken one is left
 * where it is. The state is one immutable value; a change is validated as a whole, written, and only then in force.
 */
export function createSettingsManager ({ directory, overlay = {}, modelsOverlay = null, logger, clock = systemClock }: SettingsManagerDeps): SettingsManager {
  const storage = createSettingsStorage({ directory, logger, clock })
  const laidOver = modelsOverlay ? { write_sidecars: 'on_edit', ...overlay } : overlay
  const changes = createChangeQueue()
  const listeners = createListeners<SettingsChange>(logger)
  let fileTrouble: StartupMessage | undefined
  let foldersMissing = false
  let recipesMover: RecipesMover | null = null
  let state = stateAtStart()
  let effective = effectiveValues(state, laidOver)

  function stateAtStart (): SettingsState {
    const content = storage.readAtStart()
    const copy = 'problem' in content ? storage.lastGoodCopy() : undefined
    if ('problem' in content) fileTrouble = fileMessage(content.problem, copy ? 'copy' : 'defaults', storage.file)
    const document = 'document' in content ? content.document : copy ?? emptyDocument
    return stateOf(document, modelsOverlay, clock.now())
  }

  function take (next: SettingsState, more: Partial<SettingsChange> = {}): void {
    const moved = activeOf(next).name !== activeOf(state).name && !more.libraryRenamed
    const values = effectiveValues(next, laidOver)
    const keys = changedKeys(effective, values)
    state = next
    effective = values
    if (keys.size > 0 || more.libraryActivated) listeners.tell({ keys, libraryActivated: moved, ...more })
  }

  async function save (next: SettingsState, more?: Partial<SettingsChange>): Promise<void> {
    await storage.write(documentText(next))
    fileTrouble = undefined
    take(next, more)
  }

  /** Before the setting says that recipes lie elsewhere, they do. Moved is only for another `recipes_path`, never for other folders. */
  async function moveRecipes (before: Library | undefined, after: Library | undefined): Promise<Refusal | undefined> {
    if (!before || !after || before.recipes_path === after.recipes_path || !recipesMover) return undefined
    const [from, to] = [recipesDirectory(before), recipesDirectory(after)]
    if (from === undefined || to === undefined || from === to) return undefined
    try {
      await recipesMover(from, to)
      return undefined
    } catch (error) {
      if (error instanceof DomainError) return { reason: error.message, code: error.code }
      throw error
    }
  }

  /** Another program may have written since; its changes are taken before ours are laid over them. */
  async function reread (): Promise<void> {
    const content = await storage.readWhenChanged()
    if (content && 'problem' in content) fileTrouble = fileMessage(content.problem, 'memory', storage.file)
    if (!content || !('document' in content)) return
    fileTrouble = undefined
    take({ ...stateOf(content.document, modelsOverlay, clock.now()), runLibrary: state.runLibrary })
  }

  /** One change at a time; resolves when the listeners have run, which the next change needn't wait for. */
  async function change<T> (work: () => Promise<T>): Promise<T> {
    const result = await changes(async () => {
      await reread()
      return await work()
    })
    await listeners.settled()
    return result
  }

  return {
    directory,
    file: storage.file,
    get: <T>(key: string) => effective.get(key) as T,
    exposed: () => answerOf(effective, storage.file),
    messages: () => [fileTrouble, foldersMissing ? missingFoldersMessage(storage.file) : undefined].filter((message) => message !== undefined),
    libraries: () => Object.fromEntries(visibleLibraries(state)),
    activeLibrary: () => activeOf(state),

    update: (patch) => change(async () => {
      const plan = await planChange(state, effective, patch, clock.now())
      if ('refusal' in plan) return { saved: false, ...plan.refusal }
      const before = effective
      const refusal = await moveRecipes(activeOf(state).library, activeOf(plan.next).library)
      if (refusal) return { saved: false, ...refusal }
      if (plan.keys.size > 0) await save(plan.next)
      return { saved: true, changed: [...changedKeys(before, effective)] }
    }),
    activateLibrary: (name) => change(async () => {
      requireLibrary(state, name)
      if (name === activeOf(state).name) return take(state, { libraryActivated: true })
      if (state.runLibrary) throw new ConflictError('The library of this run was given at the start; start without it to use another', 'library-of-run')
      await save({ ...state, active: name }, { libraryActivated: true })
    }),
    saveLibrary: (name, patch) => change(async () => {
      const plan = await planLibrary(state, name, patch, clock.now())
      const refusal = plan.changed ? await moveRecipes(visibleLibraries(state).get(name), visibleLibraries(plan.next).get(name)) : undefined
      if (refusal) throw new ConflictError(refusal.reason, refusal.code)
      if (plan.changed) await save(plan.next)
      return { created: plan.created }
    }),
    renameLibrary: (from, to) => change(async () => {
      const next = withRenamedLibrary(state, from, to)
      if (next !== state) await save(next, { libraryRenamed: { from, to: to.trim() }, libraryActivated: activeOf(next).name !== activeOf(state).name })
    }),
    deleteLibrary: (name) => change(async () => { await save(withoutLibrary(state, name)) }),

    onChange: listeners.add,
    onRecipesMove: (mover) => { recipesMover = mover },
    refresh: async () => {
      await change(async () => undefined)
      foldersMissing = !await anyFolderExists(activeOf(state).library.folder_paths)
    },
    close: async () => {
      await changes(async () => undefined)
      await listeners.settled()
    }
  }
}

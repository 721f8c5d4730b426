import { Type, type Static, type TSchema } from '@sinclair/typebox'

/**
 * The one table of every typed event: name → schema of its payload.
 * The v1 feed, its documentation and the hub's types are made from it; a new event is one row.
 */
const ModelTypeText = Type.String({ description: '`lora`, `checkpoint` or `embedding`' })
const JobState = Type.String({ description: '`queued`, `running`, `paused`, `succeeded`, `failed` or `cancelled`' })
const rootMembers = { id: Type.String({ description: 'As in `/api/v1/library/roots`' }), path: Type.String(), model_type: ModelTypeText }
const jobMembers = { id: Type.String({ description: 'As in `/api/v1/jobs`' }), kind: Type.String(), state: JobState }
const modelRef = (description: string) => Type.Object({
  model_type: ModelTypeText,
  file_path: Type.String({ description: 'Path of the model as the lists give it' })
}, { description })

export const eventTable = {
  'models.changed': Type.Object({
    model_type: ModelTypeText,
    created: Type.Integer({ description: 'How many' }),
    updated: Type.Integer({ description: 'How many' }),
    deleted: Type.Integer({ description: 'How many' })
  }, { description: 'A batch of models of one type was created, updated or deleted (a scan, a move of many).' }),
  'model.created': modelRef('A model is there that was not there before.'),
  'model.updated': modelRef('Facts of a model changed: its metadata, preview, hash.'),
  'model.deleted': modelRef('A model is gone.'),
  'model.moved': Type.Object({
    model_type: ModelTypeText,
    from: Type.String({ description: 'Path before' }),
    to: Type.String({ description: 'Path now' }),
    sha256: Type.String({ description: 'Lower-case hex, "" while not computed' })
  }, { description: 'A model has another place or name; what is bound by hash need not follow.' }),
  'updates.changed': Type.Object({
    model_type: ModelTypeText,
    models: Type.Integer({ description: 'How many CivitAI models it is about' })
  }, { description: 'What is known of newer versions changed, or what the user wants to hear of them: `update_available` of lists may be another now.' }),
  'recipes.changed': Type.Object({
    created: Type.Integer({ description: 'How many' }),
    updated: Type.Integer({ description: 'How many' }),
    deleted: Type.Integer({ description: 'How many' })
  }, { description: 'Recipes were created, updated or deleted: by a request, a scan, an undo.' }),
  'recipe.created': Type.Object({ id: Type.String() }, { description: 'A recipe is there that was not there before.' }),
  'recipe.updated': Type.Object({ id: Type.String() }, { description: 'A recipe, its image or its place changed.' }),
  'recipe.deleted': Type.Object({ id: Type.String() }, { description: 'A recipe is gone.' }),
  'facets.changed': Type.Object({ model_type: ModelTypeText }, { description: 'Tags, base models or folders may have changed.' }),
  'scan.progress': Type.Object({
    model_type: ModelTypeText,
    root: Type.String({ description: 'Path of the folder' }),
    stage: Type.String({ description: '`scan_folders` (listing it), `process_models` (reading it), `complete` (this scan is over for it, however it ended)' }),
    done: Type.Integer({ description: 'Models of this folder looked at' }),
    total: Type.Integer({ description: 'Models of this folder; 0 while it is listed' })
  }, { description: 'How far a scan is with one folder.' }),
  'job.created': Type.Object({ id: jobMembers.id, kind: jobMembers.kind, title: Type.String({ description: 'For people' }), state: JobState }, { description: 'A job waits for its turn.' }),
  'job.progress': Type.Object({
    ...jobMembers,
    progress: Type.Unknown({ description: '`{done, total, unit, rate, eta_seconds}`; `total`, `rate` (units per second) and `eta_seconds` may be null' })
  }, { description: 'A job got on, or was paused or resumed.' }),
  'job.finished': Type.Object(jobMembers, { description: 'A job ended; its result is in `/api/v1/jobs/{id}`.' }),
  'root.online': Type.Object(rootMembers, { description: 'A folder is there again.' }),
  'root.offline': Type.Object({ ...rootMembers, reason: Type.String({ description: 'For people' }) }, { description: 'A folder is away or does not look like itself; what is known of it is kept.' }),
  'operation.finished': Type.Object({
    id: Type.String({ description: 'As in `/api/v1/operations`' }),
    kind: Type.String({ description: '`undo` or `restore`' }),
    state: Type.String()
  }, { description: 'An undo, or a restore from the trash, has ended.' }),
  'settings.changed': Type.Object({ keys: Type.Array(Type.String()) }, { description: 'Names of the settings that changed; never their values.' }),
  'library.activated': Type.Object({ library: Type.String({ description: 'Its name' }) }, { description: 'Another library is in use; ask for everything anew.' })
} as const satisfies Record<string, TSchema>

export type EventName = keyof typeof eventTable
export type EventPayload<Name extends EventName> = Static<(typeof eventTable)[Name]>

import { Type, type Static, type TSchema } from '@sinclair/typebox'

/**
 * The one table of every typed event: name → schema of its payload.
 * The v1 feed, its documentation and the hub's types are made from it; a new event is one row.
 */
const ModelRef = Type.Object({
  model_type: Type.String(),
  file_path: Type.String({ description: 'Path of the model as the lists give it' })
})

export const eventTable = {
  'models.changed': Type.Object({
    model_type: Type.String(),
    created: Type.Integer(),
    updated: Type.Integer(),
    deleted: Type.Integer()
  }, { description: 'A batch of models of one type was created, updated or deleted (a scan, a move of many).' }),
  'model.created': ModelRef,
  'model.updated': ModelRef,
  'model.deleted': ModelRef,
  'model.moved': Type.Object({
    model_type: Type.String(),
    from: Type.String({ description: 'Path before' }),
    to: Type.String({ description: 'Path now' }),
    sha256: Type.String({ description: 'Lower-case hex, "" while not computed' })
  }, { description: 'A model has another place or name; what is bound by hash need not follow.' }),
  'facets.changed': Type.Object({ model_type: Type.String() }, { description: 'Tags, base models or folders may have changed.' }),
  'scan.progress': Type.Object({
    model_type: Type.String(),
    root: Type.String(),
    stage: Type.String(),
    done: Type.Integer(),
    total: Type.Integer()
  }),
  'job.created': Type.Object({ id: Type.String(), kind: Type.String(), title: Type.String(), state: Type.String() }),
  'job.progress': Type.Object({ id: Type.String(), kind: Type.String(), state: Type.String(), progress: Type.Unknown() }),
  'job.finished': Type.Object({ id: Type.String(), kind: Type.String(), state: Type.String() }),
  'root.online': Type.Object({ id: Type.String(), path: Type.String(), model_type: Type.String() }),
  'root.offline': Type.Object({ id: Type.String(), path: Type.String(), model_type: Type.String(), reason: Type.String() }),
  'operation.finished': Type.Object({ id: Type.String(), kind: Type.String(), state: Type.String() }, { description: 'An undo, or a restore from the trash, has ended.' }),
  'settings.changed': Type.Object({ keys: Type.Array(Type.String()) }, { description: 'Names of the settings that changed; never their values.' }),
  'library.activated': Type.Object({ library: Type.String() })
} as const satisfies Record<string, TSchema>

export type EventName = keyof typeof eventTable
export type EventPayload<Name extends EventName> = Static<(typeof eventTable)[Name]>

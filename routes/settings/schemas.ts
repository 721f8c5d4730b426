import { Type, type TSchema } from '@sinclair/typebox'
import { settingRows } from '../../services/settings/schema.ts'

const open = { additionalProperties: true }
const tags = ['settings']

const failureTexts: Record<number, string> = {
  400: 'The body is not usable',
  403: 'The settings directory can\'t be written',
  404: 'There is no such library',
  409: 'The state of the libraries does not allow it',
  500: 'A fault of ours',
  507: 'There is no space left'
}

function answers (ok: TSchema, ...failures: number[]): Record<number, TSchema> {
  const refused = failures.map((status): [number, TSchema] => [status, Type.Unsafe({ $ref: 'Failure#', description: failureTexts[status] ?? 'Failure' })])
  return { 200: ok, ...Object.fromEntries(refused) }
}

function members (filter: (row: (typeof settingRows)[number]) => boolean): Record<string, TSchema> {
  return Object.fromEntries(settingRows.filter(filter).map(({ key, kind, meaning }) => [key, Type.Optional({ ...kind.schema, description: meaning })]))
}

const flags = Object.fromEntries(settingRows.filter(({ exposure }) => exposure === 'secret').map(({ key }) => [`${key}_set`, Type.Boolean()]))

const Message = Type.Object({
  code: Type.String(),
  title: Type.String(),
  message: Type.String(),
  severity: Type.Union([Type.Literal('error'), Type.Literal('warning'), Type.Literal('info')]),
  dismissible: Type.Boolean(),
  actions: Type.Optional(Type.Array(Type.Object({ action: Type.String(), label: Type.String(), type: Type.String(), icon: Type.String() }, open))),
  details: Type.Optional(Type.String()),
  settings_file: Type.String()
}, open)

export const readSchema = {
  operationId: 'getSettings',
  tags,
  summary: 'All settings that have a value; of secrets only whether they are set',
  response: answers(Type.Object({
    success: Type.Literal(true),
    settings: Type.Object({
      ...members(({ exposure }) => exposure === 'shown' || exposure === 'masked'),
      ...flags,
      settings_file: Type.String({ description: 'Absolute path of settings.json' })
    }, open),
    messages: Type.Array(Message)
  }, open), 500)
}

export const saveSchema = {
  operationId: 'saveSettings',
  tags,
  summary: 'Save some settings: all of them, or none and the reason (`success: false` with status 200)',
  description: 'Keys with their current value are skipped. `null` and `__DELETE__` set a key back; other keys than the known ones are kept as they come.',
  body: Type.Object({}, open),
  response: answers(Type.Union([
    Type.Object({ success: Type.Literal(true) }, open),
    Type.Object({ success: Type.Literal(false), error: Type.String(), code: Type.String() }, open)
  ]), 400, 403, 500, 507)
}

export const priorityTagsSchema = {
  operationId: 'getPriorityTags',
  tags,
  summary: 'The tags under which models are filed, by model type, the most important first',
  response: answers(Type.Object({ success: Type.Literal(true), tags: Type.Record(Type.String(), Type.Array(Type.String())) }, open), 500)
}

const perLibrary = members((row) => row.perLibrary)
const metadata = Type.Optional(Type.Object({}, open))

const Library = Type.Object({ ...perLibrary, metadata, created_at: Type.String(), updated_at: Type.String() }, open)

const listed = { success: Type.Literal(true), libraries: Type.Record(Type.String(), Library), active_library: Type.String() }
const Libraries = Type.Object(listed, open)

/** What a name is not is said by the use case, in the words that clients know. */
const named = { library: Type.Optional(Type.Unknown({ description: 'Name of the library' })), library_name: Type.Optional(Type.Unknown({ description: 'The same' })) }

export const listLibrariesSchema = {
  operationId: 'listLibraries',
  tags,
  summary: 'All libraries and which one is active',
  response: answers(Libraries, 500)
}

export const saveLibrarySchema = {
  operationId: 'saveLibrary',
  tags,
  summary: 'Create a library, or change the given keys of one',
  body: Type.Object({
    ...named,
    name: Type.Optional(Type.Unknown({ description: 'The same' })),
    activate: Type.Optional(Type.Boolean({ description: 'Make it the active library too' })),
    ...Object.fromEntries(Object.entries(perLibrary).map(([key, schema]) => [key, Type.Optional(Type.Unknown({ description: `As in the answer (${String(schema['type'])})` }))])),
    metadata
  }, open),
  response: answers(Type.Object({ ...listed, created: Type.Boolean() }, open), 400, 403, 409, 500, 507)
}

export const activateLibrarySchema = {
  operationId: 'activateLibrary',
  tags,
  summary: 'Make a library the active one; naming the active one reloads it',
  body: Type.Object(named, open),
  response: answers(Libraries, 400, 403, 404, 409, 500, 507)
}

export const renameLibrarySchema = {
  operationId: 'renameLibrary',
  tags,
  summary: 'Give a library another name',
  body: Type.Object({ ...named, new_name: Type.Optional(Type.Unknown({ description: 'Its new name' })) }, open),
  response: answers(Libraries, 400, 403, 404, 409, 500, 507)
}

export const deleteLibrarySchema = {
  operationId: 'deleteLibrary',
  tags,
  summary: 'Forget a library; its files are left alone',
  body: Type.Object(named, open),
  response: answers(Libraries, 400, 403, 404, 409, 500, 507)
}

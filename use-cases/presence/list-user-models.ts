import { kindOfModelType } from '../../services/civitai/file-choice.ts'
import { choosePreview } from '../../services/civitai/preview-choice.ts'
import type { CivitaiModelDocument } from '../../services/civitai/schema.ts'
import type { CivitaiClient, Failure } from '../../services/civitai/types.ts'
import type { VersionHistory } from '../../services/downloads/version-history.ts'
import { DomainError, InvalidInputError } from '../../services/errors.ts'
import { failureOf } from '../../services/metadata/sync.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import { requireOpened } from './check-models.ts'
import { readText, type Parameters } from './read-parameters.ts'
import { localStateOf } from './local-state.ts'

export interface UserVersion {
  modelId: number
  versionId: number
  modelName: string
  versionName: string
  /** CivitAI's type in lower case. */
  type: string
  tags: string[]
  baseModel: string
  thumbnailUrl: string | null
  inLibrary: boolean
  hasBeenDownloaded: boolean
}

export interface UserModels {
  username: string
  versions: UserVersion[]
  /** Models of this page that can be used here. */
  modelCount: number
  nextCursor: string | null
  hasMore: boolean
  /** How many models the user has, on the first page and where CivitAI says it. */
  estimatedTotal: number | null
}

export interface UserModelsDeps {
  libraries: readonly ModelLibrary[]
  civitai: Pick<CivitaiClient, 'userModels' | 'creatorModelCount'>
  history: Pick<VersionHistory, 'downloaded' | 'knows'>
}

const LONGEST_NAME = 200

/** What a creator has published, a page at a time, and what of it is or was here. @throws InvalidInputError, ServiceNotReadyError, DomainError `unavailable` or `upstream` */
export const listUserModels = (deps: UserModelsDeps) => async (parameters: Parameters): Promise<UserModels> => {
  const username = readText(parameters, 'username')?.trim() ?? ''
  if (username === '') throw new InvalidInputError('Missing required parameter: username')
  if (username.length > LONGEST_NAME) throw new InvalidInputError('Parameter username is too long')
  const cursor = readText(parameters, 'cursor') ?? undefined
  requireOpened(deps.libraries)
  const [outcome, estimatedTotal] = await Promise.all([
    deps.civitai.userModels(username, cursor, { urgent: true }),
    cursor === undefined ? deps.civitai.creatorModelCount(username, { urgent: true }) : null
  ])
  if (outcome.kind !== 'found') throw refusal(outcome, username)
  const { items, nextCursor } = outcome.value
  const models = items.filter(({ type }) => kindOfModelType(type) !== null)
  return { username, versions: models.flatMap((model) => versionsOf(deps, model)), modelCount: models.length, nextCursor, hasMore: nextCursor !== null, estimatedTotal }
}

function versionsOf ({ libraries, history }: UserModelsDeps, { id: modelId, name: modelName = '', type = '', tags = [], modelVersions = [] }: CivitaiModelDocument): UserVersion[] {
  const library = libraries.find((one) => one.type.name === kindOfModelType(type))
  const stateOf = library && localStateOf({ library, history }, modelVersions.map(({ id }) => id))
  return modelVersions.map(({ id, name = '', baseModel, images = [] }) => {
    const media = choosePreview(images, { blur: false, level: '' })
    return {
      modelId,
      versionId: id,
      modelName,
      versionName: name,
      type: type.toLowerCase(),
      tags,
      baseModel: baseModel ?? '',
      thumbnailUrl: media && (media.smaller ?? media.url),
      ...stateOf?.(id) ?? { inLibrary: false, hasBeenDownloaded: false }
    }
  })
}

function refusal (outcome: Failure, username: string): DomainError {
  if (outcome.kind === 'not-found') return new DomainError('upstream', 'upstream-failed', `CivitAI knows no models of ${username}`)
  const { kind, message } = failureOf(outcome, `models of ${username}`)
  return new DomainError(kind === 'failed' ? 'upstream' : 'unavailable', kind, message)
}

import type { Core } from '../../services/core.ts'
import type { ModelType } from '../../services/models/types.ts'
import { checkUpdates } from './check-updates.ts'
import { fetchMissingLicences } from './fetch-missing-licences.ts'
import { getStatus, getVersions } from './get-record.ts'
import { ignoreModel, ignoreVersion } from './ignore-updates.ts'

/** Newer versions of the models of one type. */
export function createUpdateUseCases ({ updates, downloads }: Core, type: ModelType, { warn }: { warn: (message: string, error: unknown) => void }) {
  const deps = { type, updates, history: downloads.history, warn }
  return {
    checkUpdates: checkUpdates(deps),
    fetchMissingLicences: fetchMissingLicences(deps),
    ignoreModel: ignoreModel(deps),
    ignoreVersion: ignoreVersion(deps),
    getStatus: getStatus(deps),
    getVersions: getVersions(deps)
  }
}

export type UpdateUseCases = ReturnType<typeof createUpdateUseCases>

import { NotFoundError } from '../../services/errors.ts'
import type { ModelLibrary } from '../../services/models/ports.ts'
import type { SettingsManager } from '../../services/settings/types.ts'
import type { RawQuery } from './parse-list-query.ts'
import { requiredText } from './required-text.ts'

export interface CivitaiUrlAnswer { civitai_url: string, model_id: string, version_id: string | null }

const HOSTS: readonly unknown[] = ['civitai.com', 'civitai.red', 'civitai.green']

export const getCivitaiUrl = ({ library, settings }: { library: ModelLibrary, settings: Pick<SettingsManager, 'get'> }) => (query: RawQuery): CivitaiUrlAnswer => {
  const { label } = library.type
  const civitai = library.index.lookup(requiredText(query.name, `${label} file name is required`))?.civitai
  if (civitai?.modelId === undefined) throw new NotFoundError(`${label} not found or without a CivitAI page`)
  const chosen = settings.get('civitai_host')
  const host = HOSTS.includes(chosen) ? String(chosen) : 'civitai.com'
  const version = civitai.id === undefined ? '' : `?modelVersionId=${civitai.id}`
  return {
    civitai_url: `https://${host}/models/${civitai.modelId}${version}`,
    model_id: String(civitai.modelId),
    version_id: civitai.id === undefined ? null : String(civitai.id)
  }
}

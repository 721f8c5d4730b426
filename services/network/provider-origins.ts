import type { SettingsManager } from '../settings/types.ts'

/** Origins of the providers as settings file, environment or command line name them: a user may run a mirror on the own machine. */
export function isProviderOrigin (settings: Pick<SettingsManager, 'get'>, origin: string): boolean {
  const bases = settings.get<unknown>('provider_base_urls')
  return typeof bases === 'object' && bases !== null &&
    Object.values(bases).some((base) => typeof base === 'string' && URL.canParse(base) && new URL(base).origin === origin)
}

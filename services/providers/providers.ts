import { join } from 'node:path'
import type { Database } from 'better-sqlite3'
import { createArchive } from '../archive-database/archive.ts'
import { createCivarchive } from '../civarchive/client.ts'
import { civitaiBases, civitaiOrigins, configuredBase, downloadAddress } from '../civitai/addresses.ts'
import { createCivitaiClient } from '../civitai/client.ts'
import { createHuggingFaceClient } from '../hugging-face/client.ts'
import { destinationNames } from '../network/destinations.ts'
import type { Destination, Door } from '../network/types.ts'
import type { SettingsManager } from '../settings/types.ts'
import { createProviderChain } from './chain.ts'
import { createCivitaiProvider } from './civitai-provider.ts'
import type { Providers } from './types.ts'

export interface ProvidersDeps {
  door: Pick<Door, 'register' | 'request'>
  settings: Pick<SettingsManager, 'get' | 'directory'>
  /** Opens a database read only. */
  openArchive: (file: string) => Database
  warn: (message: string, error: unknown) => void
}

/** Everything that knows of models outside, with the destinations of the door that it uses. */
export function createProviders ({ door, settings, openArchive, warn }: ProvidersDeps): Providers {
  const civarchiveBase = (): string => configuredBase(settings, 'civarchive', '/api') ?? 'https://civarchive.com/api'
  const huggingFaceBase = (): string => configuredBase(settings, 'huggingface', '') ?? 'https://huggingface.co'
  const civarchiveOn = (): boolean => settings.get('enable_civarchive_api') !== false
  for (const destination of destinations(settings, { civarchiveBase, huggingFaceBase, civarchiveOn })) door.register(destination)

  const civitai = createCivitaiClient({ door, bases: () => civitaiBases(settings), hasKey: () => keyOf(settings, 'civitai_api_key') !== null })
  const archive = createArchive({
    files: [join(settings.directory, 'civitai', 'civitai.sqlite')],
    open: openArchive,
    enabled: () => settings.get('enable_metadata_archive_db') === true,
    warn
  })
  const civarchive = createCivarchive({ door, base: civarchiveBase, enabled: civarchiveOn })
  return {
    civitai,
    archive,
    huggingFace: createHuggingFaceClient({ door, base: huggingFaceBase }),
    chain: createProviderChain({ providers: [createCivitaiProvider(civitai), civarchive, archive], settings }),
    downloadAddress: (address) => downloadAddress(settings, address),
    bases: () => ({ civitai: civitaiBases(settings)[0] ?? '', civarchive: civarchiveBase(), huggingface: huggingFaceBase() }),
    close () { archive.close() }
  }
}

interface Bases { civarchiveBase: () => string, huggingFaceBase: () => string, civarchiveOn: () => boolean }

function destinations (settings: Pick<SettingsManager, 'get'>, { civarchiveBase, huggingFaceBase, civarchiveOn }: Bases): Destination[] {
  // The door asks for it only with addresses of the destination's own origins.
  const civitaiKey = (url: URL): string | null => url.pathname.startsWith('/api/') || url.href.startsWith(`${civitaiBases(settings)[0]}/`) ? bearer(settings, 'civitai_api_key') : null
  return [
    {
      name: destinationNames.civitai,
      purpose: 'Descriptions of models, versions and images',
      get origins () { return civitaiOrigins(settings) },
      enabled: () => true,
      authorization: civitaiKey
    },
    {
      name: destinationNames.civarchive,
      purpose: 'Descriptions of models that CivitAI no longer has',
      get origins () { return [new URL(civarchiveBase()).origin] },
      enabled: civarchiveOn,
      setting: 'enable_civarchive_api'
    },
    {
      name: destinationNames.huggingFace,
      purpose: 'Lists and files of repositories that you name',
      get origins () { return [new URL(huggingFaceBase()).origin] },
      publicHosts: true,
      enabled: () => true,
      authorization: () => bearer(settings, 'huggingface_token')
    },
    {
      name: destinationNames.files,
      purpose: 'Files of models that you download, from CivitAI and the hosts it names',
      get origins () { return civitaiOrigins(settings) },
      publicHosts: true,
      enabled: () => true,
      authorization: civitaiKey
    }
  ]
}

function keyOf (settings: Pick<SettingsManager, 'get'>, name: string): string | null {
  const key = settings.get<unknown>(name)
  return typeof key === 'string' && /^[\x21-\x7e]+$/.test(key) ? key : null
}

function bearer (settings: Pick<SettingsManager, 'get'>, name: string): string | null {
  const key = keyOf(settings, name)
  return key === null ? null : `Bearer ${key}`
}

import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type { StartOptions } from '../core.ts'
import { InvalidInputError } from '../errors.ts'
import { settingsDirectory, type Surroundings } from './settings-directory.ts'

/** pino's names. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

export type StartRequest =
  | { action: 'help' }
  | { action: 'version' }
  | { action: 'token', settingsDirectory: string }
  | { action: 'start', options: StartOptions & { logLevel: LogLevel }, extraModelPaths: string | null }

const DEFAULT_HOST = '127.0.0.1'
const DEFAULT_PORT = 8189

/** Spellings of levels, those of the existing program's command line among them, to pino's names. */
const levels: Record<string, LogLevel> = {
  trace: 'trace', debug: 'debug', info: 'info', warn: 'warn', warning: 'warn', error: 'error', critical: 'fatal', fatal: 'fatal', silent: 'silent'
}

/** Environment variables that lay a value over a setting for this run; they are never written to settings.json. */
export const overlaidSettings: Record<string, string> = {
  CIVITAI_API_KEY: 'civitai_api_key',
  LLM_API_KEY: 'llm_api_key',
  LLM_MODEL: 'llm_model',
  LLM_API_BASE: 'llm_api_base',
  LLM_PROVIDER: 'llm_provider',
  MODELSHELF_ARIA2C_PATH: 'aria2c_path'
}

/**
 * Command line over environment over defaults.
 * @throws InvalidInputError with a one-line message for an unknown option or a bad value.
 */
export function parseStartOptions (argv: readonly string[], surroundings: Surroundings): StartRequest {
  const { env } = surroundings
  const { values, positionals: [command, ...more] } = readArguments(argv)
  if (values.help) return { action: 'help' }
  if (values.version) return { action: 'version' }
  if (more.length > 0 || (command !== undefined && command !== 'token')) throw new InvalidInputError(`There is no command "${[command, ...more].join(' ')}" (--help shows what there is)`, 'bad-arguments')
  const directory = resolve(values.settings || env.MODELSHELF_SETTINGS || settingsDirectory(surroundings))
  if (command === 'token') return { action: 'token', settingsDirectory: directory }
  const models = values.models ?? env.MODELSHELF_MODELS
  const options: StartOptions & { logLevel: LogLevel } = {
    settingsDirectory: directory,
    modelsDirectory: models ? resolve(models) : null,
    host: values.host || env.MODELSHELF_HOST || DEFAULT_HOST,
    port: portOf(values.port ?? (env.MODELSHELF_PORT || String(DEFAULT_PORT))),
    logLevel: values.verbose ? 'debug' : levelOf(values['log-level'] ?? (env.MODELSHELF_LOG_LEVEL || 'info')),
    insecure: values.insecure ?? isOn(env.MODELSHELF_INSECURE),
    allowedHosts: values['allowed-host'] ?? listOf(env.MODELSHELF_ALLOWED_HOSTS),
    settingsOverlay: overlay(env),
    providers: providers(env),
    persistentCache: env.MODELSHELF_PERSISTENT_CACHE !== '0' && !isOn(env.LORA_MANAGER_DISABLE_PERSISTENT_CACHE),
    scanOnStart: true
  }
  const file = values['import-extra-model-paths']
  return { action: 'start', options, extraModelPaths: file ? resolve(file) : null }
}

function readArguments (argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      strict: true,
      allowPositionals: true,
      options: {
        host: { type: 'string' },
        port: { type: 'string' },
        settings: { type: 'string' },
        models: { type: 'string' },
        'log-level': { type: 'string' },
        verbose: { type: 'boolean' },
        insecure: { type: 'boolean' },
        'allowed-host': { type: 'string', multiple: true },
        'import-extra-model-paths': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'V' }
      }
    })
  } catch (error) {
    const [message] = (error instanceof Error ? error.message : String(error)).split('. ')
    throw new InvalidInputError(`${message} (--help shows the options)`, 'bad-arguments')
  }
}

function portOf (text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidInputError(`--port must be a number from 0 to 65535, not "${text}"`, 'bad-arguments')
  return port
}

function levelOf (text: string): LogLevel {
  const level = levels[text.toLowerCase()]
  if (level === undefined) throw new InvalidInputError(`--log-level must be one of ${Object.keys(levels).join(', ')}, not "${text}"`, 'bad-arguments')
  return level
}

function isOn (text: string | undefined): boolean {
  return ['1', 'true', 'yes', 'on'].includes(text?.toLowerCase() ?? '')
}

function listOf (text: string | undefined): string[] {
  return (text ?? '').split(',').map((name) => name.trim()).filter((name) => name !== '')
}

function overlay (env: NodeJS.ProcessEnv): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const [variable, key] of Object.entries(overlaidSettings)) {
    if (env[variable]) values[key] = env[variable]
  }
  return values
}

function providers (env: NodeJS.ProcessEnv): StartOptions['providers'] {
  const { MODELSHELF_CIVITAI_URL: civitai, MODELSHELF_CIVARCHIVE_URL: civarchive, MODELSHELF_HUGGINGFACE_URL: huggingface, MODELSHELF_STORAGE_URL: storage } = env
  return { ...(civitai && { civitai }), ...(civarchive && { civarchive }), ...(huggingface && { huggingface }), ...(storage && { storage }) }
}

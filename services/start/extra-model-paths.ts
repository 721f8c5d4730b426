import { readFile } from 'node:fs/promises'
import { dirname, isAbsolute, join, normalize } from 'node:path'
import { parse } from 'yaml'
import { InvalidInputError } from '../errors.ts'
import type { FolderKey } from '../models/types.ts'
import type { FolderPaths } from '../settings/types.ts'
import type { Surroundings } from './settings-directory.ts'

const keys: Record<string, FolderKey> = { loras: 'loras', checkpoints: 'checkpoints', unet: 'unet', diffusion_models: 'unet', embeddings: 'embeddings' }

/**
 * Reads ComfyUI's `extra_model_paths.yaml`: named sections, each with an optional `base_path` and one or more lines of
 * folders per kind. `base_path` may start with `~`, hold variables, and is relative to the file; folders are relative to it.
 * @throws InvalidInputError when the file is missing or is no such document.
 */
export async function readExtraModelPaths (file: string, surroundings: Pick<Surroundings, 'home' | 'env'>): Promise<FolderPaths> {
  const sections = await sectionsOf(file)
  const paths: FolderPaths = {}
  for (const section of sections) {
    const base = typeof section.base_path === 'string' ? against(dirname(file), expand(section.base_path.trim(), surroundings)) : dirname(file)
    for (const [name, value] of Object.entries(section)) {
      const key = keys[name]
      if (key === undefined || typeof value !== 'string') continue
      for (const line of value.split('\n').map((text) => text.trim()).filter(Boolean)) {
        const list = (paths[key] ??= [])
        const path = tidy(against(base, line))
        if (!list.includes(path)) list.push(path)
      }
    }
  }
  return paths
}

/** Both, in order, each folder once; nothing that was there goes away. */
export function mergeFolderPaths (present: FolderPaths, added: FolderPaths): FolderPaths {
  const merged: FolderPaths = {}
  for (const key of new Set([...Object.keys(present), ...Object.keys(added)])) {
    merged[key] = [...new Set([...(present[key] ?? []), ...(added[key] ?? [])])]
  }
  return merged
}

async function sectionsOf (file: string): Promise<Record<string, unknown>[]> {
  let document: unknown
  try {
    document = parse(await readFile(file, 'utf8'))
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error)
    throw new InvalidInputError(`Can't read ${file}: ${reason}`, 'bad-extra-model-paths')
  }
  if (!isRecord(document)) throw new InvalidInputError(`${file} holds no sections of folders`, 'bad-extra-model-paths')
  return Object.values(document).filter(isRecord)
}

function isRecord (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function expand (path: string, { home, env }: Pick<Surroundings, 'home' | 'env'>): string {
  const atHome = path === '~' || path.startsWith('~/') ? home + path.slice(1) : path
  return atHome.replace(/\$(?:\{(\w+)\}|(\w+))/g, (whole, braced: string | undefined, bare: string | undefined) => env[braced ?? bare ?? ''] ?? whole)
}

function against (base: string, path: string): string {
  return isAbsolute(path) ? path : join(base, path)
}

function tidy (path: string): string {
  const slashed = normalize(path).replaceAll('\\', '/')
  return slashed.length > 1 ? slashed.replace(/\/$/, '') : slashed
}

import { askJson } from '../civitai/ask-json.ts'
import { member } from '../civitai/api.ts'
import { InvalidInputError } from '../errors.ts'
import { destinationNames } from '../network/destinations.ts'
import type { Door } from '../network/types.ts'
import type { HuggingFaceClient, HuggingFaceFile } from './types.ts'

const weights = /\.(safetensors|ckpt|pt|pt2|bin|pth|pkl|sft|gguf)$/i
const REPOSITORY = /^[A-Za-z0-9_.-]{1,100}\/[A-Za-z0-9_.-]{1,200}$/
const MOST_FILES = 10_000

export interface HuggingFaceDeps {
  door: Pick<Door, 'request'>
  /** E.g. `https://huggingface.co`. */
  base: () => string
}

export function createHuggingFaceClient ({ door, base }: HuggingFaceDeps): HuggingFaceClient {
  const isRepository = (name: string): boolean => REPOSITORY.test(name) && name.split('/').every((part) => part !== '.' && part !== '..')

  function check (repository: string, revision: string): void {
    if (!isRepository(repository)) throw new InvalidInputError('The repository must be given as user/name', 'hugging-face-repository')
    if (!isSafePath(revision)) throw new InvalidInputError('The revision is not one', 'hugging-face-revision')
  }

  return {
    isRepository,
    async files (repository, revision = 'main', options = {}) {
      check(repository, revision)
      const outcome = await askJson(door, {
        ...options,
        destination: destinationNames.huggingFace,
        url: `${base()}/api/models/${repository}/tree/${encodeURIComponent(revision)}?recursive=true`
      })
      if (outcome.kind !== 'found') return outcome
      if (!Array.isArray(outcome.value)) return { kind: 'invalid', message: 'The answer has an unexpected form' }
      const files = outcome.value.slice(0, MOST_FILES).map(fileOf).filter((file) => file !== null)
      return { kind: 'found', value: files.sort((one, other) => other.size - one.size || (one.filename < other.filename ? -1 : 1)) }
    },
    fileUrl (repository, revision, filename) {
      check(repository, revision)
      if (!isSafePath(filename)) throw new InvalidInputError('The file name is not one of a repository', 'hugging-face-file')
      return `${base()}/${repository}/resolve/${encodeURIComponent(revision)}/${filename.split('/').map(encodeURIComponent).join('/')}`
    }
  }
}

/** Relative, of plain parts. */
function isSafePath (path: string): boolean {
  return path !== '' && path.length <= 1000 && !path.includes('\\') && !hasControl(path) && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..')
}

function hasControl (text: string): boolean {
  return [...text].some((character) => character < ' ' || character === '\u007f')
}

function fileOf (entry: unknown): HuggingFaceFile | null {
  const filename = member(entry, 'path')
  if (member(entry, 'type') === 'directory' || typeof filename !== 'string' || !isSafePath(filename) || !weights.test(filename)) return null
  const lfs = member(entry, 'lfs')
  const [size = 0] = [member(lfs, 'size'), member(entry, 'size')].filter((value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) as number[]
  const oid = member(lfs, 'oid')
  const hash = typeof oid === 'string' ? oid.replace(/^sha256:/, '').toLowerCase() : ''
  return { filename, size, sha256: /^[0-9a-f]{64}$/.test(hash) ? hash : null }
}

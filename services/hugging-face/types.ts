import type { Outcome } from '../civitai/types.ts'
import type { CallOptions } from '../network/types.ts'

/** One weight file of a repository. `sha256` (lower-case hex) and `oid` only where the file lies in large-file storage. */
export interface HuggingFaceFile { filename: string, size: number, sha256: string | null }

export interface HuggingFaceClient {
  /** Whether a repository name is well-formed: `user/name`, no `.` or `..` as a part. */
  isRepository (repository: string): boolean
  /** Weight files of all folders, largest first. @throws InvalidInputError for a name that is none */
  files (repository: string, revision?: string, options?: CallOptions): Promise<Outcome<HuggingFaceFile[]>>
  /** Address of a file; fetch it through the door with destination `hugging-face`. @throws InvalidInputError */
  fileUrl (repository: string, revision: string, filename: string): string
}

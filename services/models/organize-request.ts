import { InvalidInputError } from '../errors.ts'
import type { OrganizeRequest } from './organize-plan.ts'

const MOST_PATTERNS = 200
const LONGEST_PATTERN = 1024

/** @throws InvalidInputError for lists that are none: a slip of a client must not organize everything */
export function readOrganizeRequest ({ file_paths: paths, exclusion_patterns: patterns }: { file_paths?: unknown, exclusion_patterns?: unknown }): OrganizeRequest {
  if (paths !== undefined && paths !== null && !isTexts(paths)) throw new InvalidInputError('"file_paths" must be a list of paths')
  return { filePaths: paths ?? null, exclusions: readPatterns(patterns) }
}

function isTexts (value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

/** A list, or a text with commas, semicolons or lines between the patterns. */
function readPatterns (value: unknown): string[] | null {
  if (value === undefined || value === null) return null
  const list = typeof value === 'string' ? value.split(/[,;\n]/) : value
  if (!isTexts(list)) throw new InvalidInputError('"exclusion_patterns" must be a list of patterns, or a text')
  const patterns = [...new Set(list.map((pattern) => pattern.trim()).filter((pattern) => pattern !== ''))]
  if (patterns.length > MOST_PATTERNS || patterns.some((pattern) => pattern.length > LONGEST_PATTERN)) throw new InvalidInputError('There are too many exclusion patterns, or one is too long')
  return patterns
}

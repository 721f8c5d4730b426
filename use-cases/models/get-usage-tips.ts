import type { ModelLibrary } from '../../services/models/ports.ts'
import type { RawQuery } from './parse-list-query.ts'
import { requiredText } from './required-text.ts'

export const getUsageTips = ({ library }: { library: ModelLibrary }) => (query: RawQuery): string =>
  library.index.byRelativePath(requiredText(query.relative_path, 'Relative path is required'))?.usage_tips ?? ''

export const countLetters = ({ library }: { library: ModelLibrary }) => (): Record<string, number> => library.index.letterCounts()

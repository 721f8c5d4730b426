import type { ModelLibrary } from '../../services/models/ports.ts'
import type { ProgressHub } from '../../services/progress/types.ts'
import type { RecipeShelf } from '../../services/recipes/ports.ts'
import { firstValue } from '../../services/query-values.ts'
import type { RawQuery } from './parse-list-query.ts'

export interface InitStatus { status: 'complete' | 'processing', stage: string, progress: number, details: string, pageType?: string }

interface Deps {
  libraries: readonly Pick<ModelLibrary, 'type' | 'opened' | 'initializing'>[]
  recipes: Pick<RecipeShelf, 'opened' | 'initializing'>
  hub: Pick<ProgressHub, 'snapshot'>
}

/** The last frame of the first scan of a page; without a page, of whichever is not done yet. */
export const getInitStatus = ({ libraries, recipes, hub }: Deps) => (query: RawQuery): InitStatus => {
  const shelves = [...libraries.map((library) => ({ page: library.type.prefix as string, library })), { page: 'recipes', library: recipes }]
  const asked = shelves.filter(({ page }) => page === firstValue(query.pageType))
  const busy = (asked.length > 0 ? asked : shelves).find(({ library }) => !library.opened || library.initializing)
  const page = asked[0]?.page
  const frame = hub.snapshot('init', (busy?.page ?? page) ?? '') ?? {}
  const text = (value: unknown, fallback: string): string => typeof value === 'string' ? value : fallback
  return {
    status: busy ? 'processing' : 'complete',
    stage: busy ? text(frame.stage, 'processing') : 'finalizing',
    progress: busy ? (typeof frame.progress === 'number' ? frame.progress : 0) : 100,
    details: text(frame.details, busy ? 'Initializing' : 'Initialization complete'),
    ...page === undefined ? {} : { pageType: page }
  }
}

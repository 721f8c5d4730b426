import { sep } from 'node:path'
import type { IndexedModel } from '../../../../services/models/entry.ts'

/** The ranking of autocomplete (models §4.6) written down plainly. */
export function relativePaths (models: readonly IndexedModel[], search: string): string[] {
  const tokens = search.toLowerCase().split(/\s+/).filter((token) => token !== '')
  const excluded = tokens.filter((token) => token.length > 1 && token.startsWith('-')).map((token) => token.slice(1))
  const wanted = tokens.filter((token) => !(token.length > 1 && token.startsWith('-')))
  const length = (text: string): number => [...text].length
  return models.map((model) => {
    const prefix = model.folder === '' ? '' : `${model.folder}/`
    return { path: prefix + model.file_path.slice(model.file_path.lastIndexOf('/') + 1), bare: (prefix + model.file_name).toLowerCase(), id: model.id }
  }).filter(({ bare }) => wanted.every((token) => bare.includes(token)) && !excluded.some((token) => bare.includes(token)))
    .map((one) => ({
      ...one,
      starts: wanted.filter((token) => one.bare.startsWith(token)).length,
      position: Math.min(...wanted.map((token) => length(one.bare.slice(0, one.bare.indexOf(token)))))
    }))
    .sort((a, b) => b.starts - a.starts || (wanted.length === 0 ? 0 : a.position - b.position) || length(a.path) - length(b.path) ||
      compare(a.path.toLowerCase(), b.path.toLowerCase()) || compare(a.path, b.path))
    .map(({ path }) => path.replaceAll('/', sep))
}

const compare = (a: string, b: string): number => a < b ? -1 : a > b ? 1 : 0

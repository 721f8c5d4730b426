import type { Locale, Translate } from '../../services/i18n/translator.ts'
import { modelTypes, type ModelPrefix } from '../../services/models/types.ts'

export type PageName = ModelPrefix | 'recipes'

/** Pages in the order in which they are offered: where each is, and what its list is read from. */
export const pages: readonly { name: PageName, url: string, list: string }[] = [
  ...modelTypes.map(({ prefix }) => ({ name: prefix, url: `/${prefix}`, list: `/api/lm/${prefix}/list` })),
  { name: 'recipes', url: '/loras/recipes', list: '/api/lm/recipes' }
]

export interface ShellInput {
  page: PageName
  locale: Locale
  t: Translate
  version: string
  initializing: boolean
  /** Where folders for this page would go, when there are none; else null. */
  folderHint: { file: string, key: string } | null
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** For text and for quoted attributes. */
export const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character)

const RIGHT_TO_LEFT: ReadonlySet<Locale> = new Set(['he'])

/** Texts that the scripts of a page show, handed over as data attributes. */
const LIST_TEXTS = ['search', 'empty', 'more', 'count', 'failed'] as const
const STAGE_TEXTS = ['loading_cache', 'scan_folders', 'count_models', 'process_models', 'finalizing'] as const

function navigation ({ page, t }: ShellInput): string {
  const links = pages.map(({ name, url }) => `<a href="${url}"${name === page ? ' aria-current="page"' : ''}>${escapeHtml(t(`${name}.title`))}</a>`)
  return `<nav aria-label="${escapeHtml(t('header.navigation'))}">${links.join('')}</nav>`
}

function listView ({ page, t, folderHint }: ShellInput): string {
  const source = pages.find(({ name }) => name === page)?.list ?? ''
  const data = LIST_TEXTS.map((key) => ` data-${key}="${escapeHtml(t(`common.${key}`))}"`).join('')
  return `<main id="list" data-source="${source}"${data}>
<form role="search"><input type="search" name="search" placeholder="${escapeHtml(t('common.search'))}" aria-label="${escapeHtml(t('common.search'))}"></form>
${folderHint ? `<p id="first-steps">${escapeHtml(t('common.noFolders', folderHint))}</p>\n` : ''}<p id="status" role="status"></p>
<ul id="cards"></ul>
<button id="more" type="button" hidden>${escapeHtml(t('common.more'))}</button>
</main>`
}

function initializationView ({ t }: ShellInput): string {
  const stages = STAGE_TEXTS.map((stage) => ` data-${stage.replaceAll('_', '-')}="${escapeHtml(t(`initialization.stages.${stage}`))}"`).join('')
  return `<main id="initialization"${stages}>
<h1>${escapeHtml(t('initialization.title'))}</h1>
<p>${escapeHtml(t('initialization.message'))}</p>
<progress id="progress" max="100" value="0" aria-label="${escapeHtml(t('initialization.title'))}"></progress>
<p id="stage" role="status"></p>
<p id="details"></p>
</main>`
}

/** The HTML of a page. Scripts are files of ours, so that a strict content policy holds. */
export function pageShell (input: ShellInput): string {
  const { page, locale, t, initializing } = input
  const version = escapeHtml(input.version)
  const asset = (name: string): string => `/loras_static/${name}?v=${encodeURIComponent(input.version)}`
  return `<!doctype html>
<html lang="${locale}" dir="${RIGHT_TO_LEFT.has(locale) ? 'rtl' : 'ltr'}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(t('common.pageTitle', { page: t(`${page}.title`) }))}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${asset('shelf.css')}">
</head>
<body data-page="${page}" data-app-version="${version}"${initializing ? ' data-initializing' : ''}>
<header><strong>modelshelf</strong>${navigation(input)}</header>
${initializing ? initializationView(input) : listView(input)}
<script type="module" src="${asset(initializing ? 'initializing.js' : 'list.js')}"></script>
</body>
</html>
`
}

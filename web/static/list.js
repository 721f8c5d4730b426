// A plain list of models or recipes with a search; text from the library is only ever set as text.
const { document, fetch, URLSearchParams, AbortController, setTimeout, clearTimeout } = globalThis
const list = document.querySelector('#list')
const cards = document.querySelector('#cards')
const status = document.querySelector('#status')
const more = document.querySelector('#more')
const field = list.querySelector('input')
const isVideo = (url) => /\.(mp4|webm|mov)$/i.test(decodeURIComponent(url))

let next = 1
let running = new AbortController()

function preview (item) {
  const url = item.preview_url || item.file_url || '/loras_static/images/no-preview.png'
  const media = document.createElement(isVideo(url) ? 'video' : 'img')
  if (media.tagName === 'VIDEO') Object.assign(media, { muted: true, loop: true, preload: 'metadata' })
  else Object.assign(media, { loading: 'lazy', alt: '' })
  media.src = url
  return media
}

function card (item) {
  const entry = document.createElement('li')
  const name = document.createElement('h2')
  name.textContent = item.model_name ?? item.title
  const facts = document.createElement('p')
  facts.textContent = [item.base_model, item.folder].filter(Boolean).join(' · ')
  entry.title = item.file_name ?? item.title
  entry.append(preview(item), name, facts)
  return entry
}

async function load ({ anew }) {
  running.abort()
  running = new AbortController()
  if (anew) next = 1
  const query = new URLSearchParams({ page: next, page_size: 50 })
  if (field.value.trim()) for (const [key, value] of Object.entries({ search: field.value.trim(), fuzzy: true, search_tags: true })) query.set(key, value)
  try {
    const answer = await fetch(`${list.dataset.source}?${query}`, { signal: running.signal })
    const found = await answer.json()
    if (!answer.ok) throw new Error(found.error)
    if (anew) cards.replaceChildren()
    cards.append(...found.items.map(card))
    status.textContent = found.total === 0 ? list.dataset.empty : list.dataset.count.replace('{count}', found.total)
    next++
    more.hidden = next > found.total_pages
  } catch (error) {
    if (error.name !== 'AbortError') status.textContent = `${list.dataset.failed} ${error.message}`
  }
}

let typing
field.form.addEventListener('submit', (event) => event.preventDefault())
field.addEventListener('input', () => {
  clearTimeout(typing)
  typing = setTimeout(load, 200, { anew: true })
})
more.addEventListener('click', () => load({ anew: false }))
load({ anew: true })

// Shows how far the first scan is and loads the page again when it is done.
const { document, location, WebSocket, setTimeout, fetch } = globalThis
const page = document.body.dataset.page
const texts = document.querySelector('#initialization').dataset
const camel = (stage) => stage.replaceAll(/_(\w)/g, (_, letter) => letter.toUpperCase())

function show (frame) {
  if (frame.pageType !== undefined && frame.pageType !== page) return
  if (frame.status === 'complete') return setTimeout(() => location.reload(), 500)
  document.querySelector('#progress').value = frame.progress ?? 0
  document.querySelector('#stage').textContent = texts[camel(frame.stage ?? '')] ?? ''
  document.querySelector('#details').textContent = frame.details ?? ''
}

async function poll () {
  try {
    const answer = await fetch(`/api/lm/init-status?pageType=${page}`)
    const frame = await answer.json()
    show(frame)
    if (frame.status === 'complete') return
  } catch (error) {
    document.querySelector('#details').textContent = String(error.message)
  }
  setTimeout(poll, 2000)
}

const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws/init-progress`)
socket.addEventListener('message', ({ data }) => show(JSON.parse(data)))
socket.addEventListener('close', poll)

import type { FrameSink } from '../progress/types.ts'

export interface TerminalOutput {
  write (text: string): unknown
  readonly columns?: number
}

export interface TerminalProgress extends FrameSink {
  /** Writes lines that stay, above the progress lines. */
  above (text: string): void
  /** Takes the progress lines away; everything sent later is ignored. */
  close (): void
}

interface Line { label: string, stage: string, done: number, total: number | null }

const REDRAW_MS = 100
const BAR_WIDTH = 24
/** Stages of the frames in words for people. */
const stageWords: Record<string, string> = { process_models: 'reading', count_models: 'counting', scan_folders: 'looking through' }

/**
 * One line per root (or per type, where its roots are scanned as one) while it is scanned, and per job that hashes, redrawn in place at most ten times a second.
 * It is a sink of the progress feed: it knows what every other client of the feed knows, and no more.
 */
export function createTerminalProgress (output: TerminalOutput, now: () => number = Date.now): TerminalProgress {
  const lines = new Map<string, Line>()
  let drawn = 0
  let lastDraw = 0
  let timer: NodeJS.Timeout | undefined
  let closed = false

  function erase (): string {
    const text = drawn > 0 ? `\u001b[${drawn}A\u001b[0J` : ''
    drawn = 0
    return text
  }

  function draw (above = ''): void {
    clearTimeout(timer)
    timer = undefined
    lastDraw = now()
    const texts = [...lines.values()].map((line) => textOf(line).slice(0, (output.columns ?? 80) - 1))
    const text = erase() + above + texts.map((line) => `${line}\n`).join('')
    drawn = texts.length
    if (text !== '') output.write(text)
  }

  function drawSoon (): void {
    if (timer !== undefined || closed) return
    timer = setTimeout(draw, Math.max(0, lastDraw + REDRAW_MS - now())).unref()
  }

  return {
    bufferedAmount: 0,
    send (text) {
      if (closed || !apply(lines, text)) return
      drawSoon()
    },
    above (text) {
      if (closed) output.write(text)
      else draw(text.endsWith('\n') ? text : `${text}\n`)
    },
    close () {
      if (closed) return
      clearTimeout(timer)
      output.write(erase())
      closed = true
    }
  }
}

interface Frame { type?: string, data?: Record<string, unknown> }

/** Takes one frame of the feed into the lines; false when it is about something else. */
function apply (lines: Map<string, Line>, text: string): boolean {
  const { type, data } = JSON.parse(text) as Frame
  if (data === undefined) return false
  if (type === 'scan.progress') {
    const { root, stage, done, total } = data
    if (typeof root !== 'string' || typeof done !== 'number' || typeof total !== 'number') return false
    const key = `scan ${String(data.model_type)} ${root}`
    if (total > 0 && done >= total) return lines.delete(key)
    lines.set(key, { label: root || `${String(data.model_type)} folders`, stage: stageWords[String(stage)] ?? String(stage), done, total })
    return true
  }
  if (type === 'job.finished') return lines.delete(`job ${String(data.id)}`)
  if (type === 'job.progress' && String(data.kind).includes('hash')) {
    const progress = data.progress as { done?: number, total?: number | null } | null
    if (data.state !== 'running') return lines.delete(`job ${String(data.id)}`)
    lines.set(`job ${String(data.id)}`, { label: '', stage: 'hashing', done: progress?.done ?? 0, total: progress?.total ?? null })
    return true
  }
  return false
}

function textOf ({ label, stage, done, total }: Line): string {
  const counts = total ? `${done.toLocaleString('en')} / ${total.toLocaleString('en')}` : done.toLocaleString('en')
  const filled = total ? Math.round(Math.min(1, done / total) * BAR_WIDTH) : 0
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${counts} ${stage} ${label}`
}

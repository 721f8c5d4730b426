import type { JobProgress } from '../jobs/types.ts'
import { modelTypes } from '../models/types.ts'
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

/** `share`: how much of it is done, 0 to 1. */
interface Line { text: string, share: number }

const REDRAW_MS = 100
const BAR_WIDTH = 24
/** Stages of frames whose work goes on, in words for people. */
const stageWords: Record<string, string> = { process_models: 'reading', scan_folders: 'looking through' }

/**
 * One line per root while it is scanned, and per model type whose files are hashed, redrawn in place at most ten times a second.
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
  if (type === 'scan.progress') return applyScan(lines, data)
  if (type === 'root.offline') return lines.delete(`scan ${String(data.model_type)} ${String(data.path)}`)
  if (type === 'job.finished') return lines.delete(`job ${String(data.id)}`)
  return type === 'job.progress' && applyJob(lines, data)
}

function applyScan (lines: Map<string, Line>, { model_type: type, root, stage, done, total }: Record<string, unknown>): boolean {
  if (typeof root !== 'string' || typeof done !== 'number' || typeof total !== 'number') return false
  const key = `scan ${String(type)} ${root}`
  const words = stageWords[String(stage)]
  if (words === undefined || (total > 0 && done >= total)) return lines.delete(key)
  const { label = String(type) } = modelTypes.find(({ name }) => name === type) ?? {}
  lines.set(key, { text: `${total > 0 ? `${number(done)} / ${number(total)} ` : ''}${words} ${root} (${label})`, share: share(done, total) })
  return true
}

/** Only jobs that read whole files take long enough to be watched. */
function applyJob (lines: Map<string, Line>, { id, kind, state, progress }: Record<string, unknown>): boolean {
  const type = modelTypes.find(({ prefix }) => kind === `hash-${prefix}`)
  if (!type) return false
  if (state !== 'running') return lines.delete(`job ${String(id)}`)
  const { done, total, rate, eta_seconds: left } = progress as JobProgress
  const counts = total === null ? gigabytes(done) : `${gigabytes(done)} / ${gigabytes(total)}`
  const speed = rate === null ? '' : `, ${Math.round(rate / 1e6)} MB/s`
  lines.set(`job ${String(id)}`, { text: `${counts} GB hashing ${type.label} files${speed}${left === null ? '' : `, ${duration(left)} left`}`, share: share(done, total) })
  return true
}

const number = (count: number): string => count.toLocaleString('en')
const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1)
const share = (done: number, total: number | null): number => total ? Math.min(1, done / total) : 0

function duration (seconds: number): string {
  if (seconds < 90) return `${Math.ceil(seconds)} s`
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`
}

function textOf ({ text, share }: Line): string {
  const filled = Math.round(share * BAR_WIDTH)
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${text}`
}

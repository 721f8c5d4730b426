import t from 'tap'
import { createTerminalProgress } from '../../../services/start/terminal-progress.ts'

function screen () {
  const written: string[] = []
  return { columns: 60, write: (text: string) => { written.push(text) }, written, get last () { return written.at(-1) ?? '' } }
}

const scan = (root: string, done: number, total: number) => JSON.stringify({ seq: 1, type: 'scan.progress', data: { model_type: 'lora', root, stage: 'process_models', done, total } })

t.test('each root that is scanned has one line, which goes when the root is done', async (t) => {
  const output = screen()
  const progress = createTerminalProgress(output)
  progress.send(scan('/a', 10, 100))
  progress.send(scan('/a', 50, 100))
  progress.send(scan('/b', 1, 4))
  progress.above('between')
  t.match(output.last, /^between\n[^\n]*50 \/ 100 reading \/a\n[^\n]*1 \/ 4 reading \/b\n$/)
  t.notMatch(output.last, '10 / 100')
  progress.send(scan('/a', 100, 100))
  progress.above('later')
  t.ok(output.last.startsWith('\u001b[2A\u001b[0Jlater\n'), 'the old lines are taken back first')
  t.match(output.last, /later\n[^\n]*1 \/ 4 reading \/b\n$/)
  progress.close()
  t.equal(output.last, '\u001b[1A\u001b[0J')
})

t.test('where the folders of a type are scanned as one, the line names the type', async (t) => {
  const output = screen()
  const progress = createTerminalProgress(output)
  progress.send(scan('', 1, 9))
  progress.above('x')
  t.match(output.last, /1 \/ 9 reading lora folders\n$/)
  progress.close()
})

t.test('a job that hashes has a line until it ends; other frames draw nothing', async (t) => {
  const output = screen()
  const progress = createTerminalProgress(output)
  const job = (state: string, done: number) => JSON.stringify({ type: 'job.progress', data: { id: 'j1', kind: 'hash-models', state, progress: { done, total: 8, unit: 'files', rate: null, eta_seconds: null } } })
  progress.send(job('running', 3))
  progress.send(JSON.stringify({ type: 'resync' }))
  progress.send(JSON.stringify({ type: 'settings.changed', data: { keys: ['language'] } }))
  progress.above('x')
  t.match(output.last, /^x\n[^\n]*3 \/ 8 hashing[^\n]*\n$/)
  progress.send(JSON.stringify({ type: 'job.finished', data: { id: 'j1', kind: 'hash-models', state: 'succeeded' } }))
  progress.above('y')
  t.match(output.last, /y\n$/)
  progress.close()
})

t.test('lines never wrap, and frames in quick succession are drawn together', async (t) => {
  const output = screen()
  const progress = createTerminalProgress(output)
  for (let done = 0; done < 1000; done++) progress.send(scan('/a/very/long/path/'.repeat(8), done, 1001))
  t.ok(output.written.length <= 1, 'a burst draws at most once')
  progress.above('')
  for (const line of output.last.trim().split('\n')) t.ok(line.length < 60)
  progress.close()
})

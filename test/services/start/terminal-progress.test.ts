import t from 'tap'
import { createTerminalProgress } from '../../../services/start/terminal-progress.ts'

function screen () {
  const written: string[] = []
  return { columns: 100, write: (text: string) => { written.push(text) }, written, get last () { return written.at(-1) ?? '' } }
}

const scan = (root: string, done: number, total: number, stage = 'process_models') => JSON.stringify({ seq: 1, type: 'scan.progress', data: { model_type: 'lora', root, stage, done, total } })

t.test('each root that is scanned has one line, which goes when the root is done', async (t) => {
  const output = screen()
  const progress = createTerminalProgress(output)
  progress.send(scan('/a', 10, 100))
  progress.send(scan('/a', 50, 100))
  progress.send(scan('/b', 1, 4))
  progress.above('between')
  t.match(output.last, /^between\n[^\n]*50 \/ 100 reading \/a \(LoRA\)\n[^\n]*1 \/ 4 reading \/b \(LoRA\)\n$/)
  t.notMatch(output.last, '10 / 100')
  progress.send(scan('/a', 100, 100))
  progress.above('later')
  t.ok(output.last.startsWith('\u001b[2A\u001b[0Jlater\n'), 'the old lines are taken back first')
  t.match(output.last, /later\n[^\n]*1 \/ 4 reading \/b \(LoRA\)\n$/)
  progress.close()
  t.equal(output.last, '\u001b[1A\u001b[0J')
})

t.test('a folder that is listed has a line without numbers; one that goes away or is left off has none', async (t) => {
  const output = screen()
  const progress = createTerminalProgress(output)
  for (const root of ['/a', '/b', '/empty']) progress.send(scan(root, 0, 0, 'scan_folders'))
  progress.above('x')
  t.match(output.last, /x\n░+ looking through \/a \(LoRA\)\n░+ looking through \/b \(LoRA\)\n░+ looking through \/empty \(LoRA\)\n$/)
  progress.send(JSON.stringify({ type: 'root.offline', data: { id: 'r', path: '/a', model_type: 'lora', reason: 'away' } }))
  progress.send(scan('/b', 3, 9, 'complete'))
  progress.send(scan('/empty', 0, 0, 'complete'))
  progress.above('y')
  t.match(output.last, /y\n$/)
  progress.close()
})

t.test('files that are hashed have a line per type until the job ends; other frames draw nothing', async (t) => {
  const output = screen()
  const progress = createTerminalProgress(output)
  const job = (id: string, kind: string, state: string, numbers: object = {}) => JSON.stringify({ type: 'job.progress', data: { id, kind, state, progress: { done: 3.1e9, total: 40.5e9, unit: 'bytes', rate: null, eta_seconds: null, ...numbers } } })
  progress.send(job('j1', 'hash-loras', 'running', { rate: 312e6, eta_seconds: 120 }))
  progress.send(job('j2', 'hash-embeddings', 'running', { total: null }))
  progress.send(job('j3', 'move-models', 'running'))
  progress.send(JSON.stringify({ type: 'resync' }))
  progress.send(JSON.stringify({ type: 'settings.changed', data: { keys: ['language'] } }))
  progress.above('x')
  t.match(output.last, /^x\n██░+ 3\.1 \/ 40\.5 GB hashing LoRA files, 312 MB\/s, 2 min left\n░+ 3\.1 GB hashing Embedding files\n$/)
  progress.send(JSON.stringify({ type: 'job.finished', data: { id: 'j1', kind: 'hash-loras', state: 'succeeded' } }))
  progress.send(job('j2', 'hash-embeddings', 'paused'))
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
  for (const line of output.last.trim().split('\n')) t.ok(line.length < 100)
  progress.close()
})

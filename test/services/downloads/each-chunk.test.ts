import { PassThrough, Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { eachChunk } from '../../../services/downloads/each-chunk.ts'

t.test('every chunk comes as it was sent, and none while one is being taken', async (t) => {
  const body = new PassThrough()
  const seen: string[] = []
  let goOn = (): void => undefined
  const taken = new Promise<void>((resolve) => { goOn = resolve })
  const all = eachChunk(body, (chunk) => {
    seen.push(chunk.toString())
    return seen.length === 2 ? taken : undefined
  })
  for (const text of ['one', 'two', 'three', 'four']) body.write(text)
  body.end()
  for (let turns = 0; turns < 20; turns++) await turn()
  t.same(seen, ['one', 'two'])
  goOn()
  await all
  t.equal(seen.join(' ').replaceAll(' ', ''), 'onetwothreefour')
})

t.test('whatever fails is told, and ends the stream', async (t) => {
  const ways: [string, (body: Readable) => Promise<unknown> | undefined][] = [
    ['thrown', () => { throw new Error('thrown') }],
    ['rejected', async () => { throw new Error('rejected') }],
    ['broken off', (body) => { body.destroy(new Error('broken off')); return undefined }],
    ['The stream was closed before its end', (body) => { body.destroy(); return undefined }]
  ]
  for (const [message, take] of ways) {
    const body = new PassThrough()
    const all = eachChunk(body, () => take(body))
    body.write('bytes')
    await t.rejects(all, { message })
    t.ok(body.destroyed, message)
  }
})

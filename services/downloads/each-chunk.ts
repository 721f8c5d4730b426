import type { Readable } from 'node:stream'

/**
 * Hands every chunk of a stream over as it comes: iterating would join those that wait, which copies them once more. While a promise
 * that `take` answers is pending, nothing comes. Resolves at the end. @throws what the stream or `take` fails with; the stream is destroyed then
 */
export async function eachChunk (body: Readable, take: (chunk: Buffer) => Promise<unknown> | undefined): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: unknown): void => {
      reject(error)
      body.destroy()
    }
    const hold = async (waiting: Promise<unknown>): Promise<void> => {
      body.pause()
      await waiting
      body.resume()
    }
    body.once('error', reject)
    body.once('end', resolve)
    body.once('close', () => { reject(new Error('The stream was closed before its end')) })
    body.on('data', (chunk: Buffer) => {
      try {
        const waiting = take(chunk)
        if (waiting) hold(waiting).catch(fail)
      } catch (error) {
        fail(error)
      }
    })
  })
}

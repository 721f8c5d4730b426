import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

/** The yardstick: nothing but node:http answering one constant body. `baseline-server FILE TYPE`; prints its port. */
const [file, type] = process.argv.slice(2)
if (file === undefined || type === undefined) throw new Error('usage: baseline-server FILE CONTENT-TYPE')
const body = readFileSync(file)
const headers = { 'content-type': type, 'content-length': body.length }

const server = createServer((_request, reply) => {
  reply.writeHead(200, headers)
  reply.end(body)
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') process.stdout.write(`${address.port}\n`)
})
process.once('SIGTERM', () => process.exit(0))

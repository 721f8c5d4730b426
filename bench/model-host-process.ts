import { startModelHost } from './model-host.ts'

/** `model-host-process MEGABYTES SEED`; prints where it listens and the hash of its file as one line of JSON. */
const [megabytes, seed] = process.argv.slice(2).map(Number)
if (!megabytes || seed === undefined) throw new Error('usage: model-host-process MEGABYTES SEED')
const host = await startModelHost({ megabytes, seed })
process.stdout.write(`${JSON.stringify({ base: host.base, providers: host.providers, versionId: host.versionId, sha256: host.sha256() })}\n`)
process.once('SIGTERM', () => process.exit(0))

import { parseArgs } from 'node:util'
import { startCivitaiDouble } from './double.ts'
import { libraryFiles } from './library-files.ts'

/** `npm run civitai-double -- --library DIR --port 8400`: four ports from there on, until it is interrupted. */
const { values } = parseArgs({ options: { library: { type: 'string' }, port: { type: 'string', default: '8400' }, key: { type: 'string' } } })
const files = values.library === undefined ? [] : await libraryFiles(values.library)
const double = await startCivitaiDouble({ files, port: Number(values.port), apiKey: values.key ?? null })

process.stdout.write(`${files.length} models are known.\nsettings.json: ${JSON.stringify({ provider_base_urls: double.providerBaseUrls }, null, 2)}\n`)
process.stdout.write(`MODELSHELF_CIVITAI_URL=${double.providerBaseUrls.civitai} MODELSHELF_CIVARCHIVE_URL=${double.providerBaseUrls.civarchive} MODELSHELF_HUGGINGFACE_URL=${double.providerBaseUrls.huggingface} MODELSHELF_STORAGE_URL=${double.providerBaseUrls.storage}\n`)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { double.close().finally(() => { process.exit(0) }) })

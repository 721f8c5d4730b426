import { createTimedClient } from '../http-client.ts'
import type { GeneratedLibrary } from '../library.ts'
import { atMost, type Measurement } from '../measurement.ts'
import { latencyOf } from './latency.ts'
import type { Part } from './context.ts'

const REQUESTS = 45
const GOAL = 5

/** Every read-only query route beside the list, with arguments that find something. */
function queryRoutes ({ samples, directory }: GeneratedLibrary): Record<string, (n: number) => string> {
  const sample = (n: number) => {
    const found = samples[(n * 5) % samples.length]
    if (!found) throw new Error('the library has no samples')
    return found
  }
  const text = encodeURIComponent
  const loras = '/api/lm/loras'
  return {
    'top-tags': (n) => `${loras}/top-tags?limit=${n + 1}`,
    'top-tags, all': () => `${loras}/top-tags?limit=0`,
    'search-tags': (n) => `${loras}/search-tags?q=${text((sample(n).tags[0] ?? 'style').slice(0, 4))}`,
    'base-models': (n) => `${loras}/base-models?limit=${n + 1}`,
    'model-types': (n) => `${loras}/model-types?limit=${n + 1}`,
    roots: () => `${loras}/roots`,
    folders: () => `${loras}/folders`,
    'folder-tree': () => `${loras}/folder-tree?model_root=${text(`${directory}/loras`)}`,
    'unified-folder-tree': () => `${loras}/unified-folder-tree`,
    'letter-counts': () => `${loras}/letter-counts`,
    'find-duplicates': () => `${loras}/find-duplicates`,
    'find-filename-conflicts': () => `${loras}/find-filename-conflicts`,
    'relative-paths, one word': (n) => `${loras}/relative-paths?search=${text(sample(n).fileName.slice(0, 3 + n % 5))}`,
    'relative-paths, two words': (n) => `${loras}/relative-paths?search=${text(sample(n).title.toLowerCase())}&limit=100`,
    'preview-url by name': (n) => `${loras}/preview-url?name=${text(sample(n).fileName)}`,
    'civitai-url by name': (n) => `${loras}/civitai-url?name=${text(`${sample(n).folder}/${sample(n).fileName}`)}`,
    'get-notes by name': (n) => `${loras}/get-notes?name=${text(sample(n).fileName)}`,
    'get-trigger-words by name': (n) => `${loras}/get-trigger-words?name=${text(sample(n).fileName)}`,
    'usage-tips-by-path': (n) => `${loras}/usage-tips-by-path?relative_path=${text(`${sample(n).folder}/${sample(n).fileName}.safetensors`)}`,
    metadata: (n) => `${loras}/metadata?file_path=${text(sample(n).path)}`,
    'check-model-exists': (n) => `/api/lm/check-model-exists?modelId=${sample(n).modelId}`
  }
}

export const routes: Part = async ({ models, library, server }) => {
  const client = createTimedClient(server.base)
  const measurements: Measurement[] = []
  try {
    for (const [name, path] of Object.entries(queryRoutes(library))) {
      const probe = await client.get(path(0))
      // A route of a stack that this version does not have is left out rather than reported as fast.
      if (probe.status === 404 && probe.body.includes('404: Not Found')) {
        process.stdout.write(`  ${name}: no such route, left out\n`)
        continue
      }
      const { p50, p99, source } = await latencyOf(client, Array.from({ length: REQUESTS }, (_, n) => path(n)))
      measurements.push({ part: 'routes', name, models, value: p50, unit: 'ms', goal: atMost(GOAL), note: `p50, ${source} time; p99 ${p99.toFixed(2)} ms` })
    }
  } finally {
    client.close()
  }
  return measurements
}

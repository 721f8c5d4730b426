import t from 'tap'
import { civitaiDouble } from '../../helpers/civitai/double.ts'
import { runningApp } from '../../helpers/running-app.ts'

t.test('every destination is shown with its purpose, switch, counters and the budget of its host, but no key', async (t) => {
  const double = await civitaiDouble(t, { apiKey: 'canary-key', files: [{ name: 'a.safetensors', source: { bytes: Buffer.from('a') } }] })
  const running = await runningApp(t, { settings: { civitai_api_key: 'canary-key', provider_base_urls: double.providerBaseUrls } })
  const [model] = double.catalogue.models.values()
  t.match(await running.app.core.providers.civitai.model(model?.id ?? 0), { kind: 'found' })

  const answer = await running.get('/api/v1/network')
  t.equal(answer.status, 200)
  t.notMatch(answer.text, 'canary-key')
  const { destinations, hosts } = answer.json as unknown as { destinations: { name: string, purpose: string }[], hosts: object[] }
  const named = new Map(destinations.map((row) => [row.name, row]))
  t.match(named.get('civitai'), { origins: [double.origins.civitai], authorized: true, enabled: true, counters: { requests: 1, succeeded: 1, failed: 0 } })
  t.match(named.get('civarchive'), { origins: [double.origins.civarchive], authorized: false, enabled: true, setting: 'enable_civarchive_api', counters: { requests: 0 }, last_request_at: null })
  for (const name of ['media', 'model-files', 'hugging-face']) t.ok((named.get(name)?.purpose.length ?? 0) > 10, name)
  t.match(hosts, [{ origin: double.origins.civitai, waiting: 0, paused_until: null, unreachable_until: null, active: { calls: 0, transfers: 0 } }])
})

t.test('the offline switch stops everything at once, also what is under way', async (t) => {
  const double = await civitaiDouble(t)
  const running = await runningApp(t, { settings: { provider_base_urls: double.providerBaseUrls } })
  const { civitai } = running.app.core.providers
  double.faults.next('GET /api/v1/models/1', { hang: true })
  const pending = civitai.model(1)
  while (double.count() === 0) await new Promise((resolve) => { setImmediate(resolve) })
  t.equal((await running.post('/api/lm/settings', { offline_mode: true })).status, 200)
  t.match(await pending, { kind: 'unavailable', offline: true, message: /offline/ })
  t.match(await civitai.model(2), { kind: 'unavailable', offline: true })
  t.match((await running.get('/api/v1/network')).json, { offline: true })
  t.equal(double.count(), 1)
  await running.post('/api/lm/settings', { offline_mode: false })
  t.match(await civitai.model(2), { kind: 'not-found' })
})

import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'
import { acknowledged, runCampaign } from '../bench/campaign/campaign.ts'
import { startChildServer } from '../bench/campaign/child-server.ts'
import { editTogether } from '../bench/campaign/concurrent-edits.ts'
import { runDownloads } from '../bench/campaign/downloads.ts'

const root = join(import.meta.dirname, '..')
/** Beside the sources, so that packages are found; of their own, so that no build is in the way of another. */
const build = join(root, `dist-campaign-${process.pid}`)
const serverFile = join(build, 'server.js')

// A small one of what `npm run campaign` does; starts are what takes the time on a busy machine.
t.setTimeout(300_000)

t.before(() => {
  const { status, stderr } = spawnSync(process.execPath, ['build.mjs', '--outdir', basename(build)], { cwd: root, encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } })
  if (status !== 0) throw new Error(stderr)
})
t.teardown(() => rmSync(build, { recursive: true, force: true }))

t.test('a built server finds what is loaded only when it is asked for', async (t) => {
  const server = await startChildServer({ serverFile, settings: join(t.testdir(), 'settings') })
  t.teardown(() => server.kill())
  await server.ready()
  for (const path of ['/metrics', '/docs/json', '/docs/swagger-ui.css', '/loras', '/locales/de.json', '/api/v1/network']) {
    t.equal((await fetch(server.base + path)).status, 200, path)
  }
})

t.test('whatever was acknowledged is there after the server was killed, again and again', async (t) => {
  const report = await runCampaign({ directory: join(t.testdir(), 'kills'), serverFile, kills: 4, models: 60, seed: 11, rebuildEvery: 4, leastAnswered: 5 })
  t.same(report.complaints, [])
  t.ok(report.kills >= 4)
  t.ok(report.rebuilds >= 1)
  t.ok(acknowledged(report) >= 5, `${acknowledged(report)} changes were acknowledged`)
})

t.test('two clients edit the same sidecars at the same time, and no acknowledged field is lost', async (t) => {
  const report = await editTogether({ directory: join(t.testdir(), 'edits'), serverFile, seed: 12, files: 30, edits: 200 })
  t.same(report.complaints, [])
  t.equal(report.acknowledged, 200)
})

t.test('a download whose process, server and client die, whose file is exchanged or wrong, that is paused and cancelled, never shows half a model', async (t) => {
  const report = await runDownloads({ directory: join(t.testdir(), 'downloads'), serverFile, seed: 13, megabytes: 20, deaths: 3, controls: 2 })
  // On a busy machine everything takes longer than it should.
  t.same(report.complaints.filter(({ kind }) => kind !== 'slow'), [])
  t.same(report.deaths, { process: 1, server: 1, client: 1 })
  t.ok(report.looks > 0)
})

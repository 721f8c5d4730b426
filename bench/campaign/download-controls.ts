import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { poll } from '../built-server.ts'
import { createCampaignClient } from './client.ts'
import { DOWNLOAD, ask, complain, downloadOf, lengthOf, type Scene } from './download-scene.ts'

const CONTROL_MS = 1000

/** Pause, resume and cancel at any moment: reading stops, goes on, and nothing is left, each within a second. */
export async function controlled (scene: Scene, controls: number): Promise<void> {
  for (let n = 0; n < controls; n++) {
    const asked = ask(scene)
    await delay(scene.random.below(600))
    if (n % 2 === 0) await pauseAndResume(scene)
    await control(scene, 'cancel', 'cancel-download-get', async () => lengthOf(scene) === 0 && !(await isActive(scene)))
    await asked
    const names = readdirSync(scene.loras).filter((name) => !name.startsWith('.'))
    // One that had ended before it was cancelled is a model, and makes room for the next.
    if (names.some((name) => name.endsWith('.part') || name.includes('.tmp'))) complain(scene, 'left-over', `a cancelled download left ${names.join(', ')}`)
    if (names.length > 0) await makeRoom(scene, names)
  }
}

const isActive = async (scene: Scene): Promise<boolean> => ['queued', 'running', 'paused'].includes((await downloadOf(scene)).state)

async function pauseAndResume (scene: Scene): Promise<void> {
  let length = -1
  let since = performance.now()
  // It stands when it has not grown for a quarter of a second; that quarter is not counted.
  await control(scene, 'pause', 'pause-download', async () => {
    const now = lengthOf(scene)
    if (now !== length) [length, since] = [now, performance.now()]
    return performance.now() - since >= 250
  }, 250)
  await control(scene, 'resume', 'resume-download', async () => lengthOf(scene) > length || !await isActive(scene))
}

async function control (scene: Scene, word: 'pause' | 'resume' | 'cancel', route: string, done: () => Promise<boolean>, allowance = 0): Promise<void> {
  const began = performance.now()
  const answer = await createCampaignClient(scene.server.base).get(`/api/lm/${route}?download_id=${DOWNLOAD}`)
  // Nothing to hold: it has not begun, or it is over.
  if (answer?.status !== 200 && word !== 'cancel') return
  await poll(`the ${word} to take effect`, async () => await done() ? true : undefined, { every: 5, within: 30_000 })
  const took = Math.round(performance.now() - began - allowance)
  scene.report.slowest[word] = Math.max(scene.report.slowest[word], took)
  if (took > CONTROL_MS) complain(scene, 'slow', `a ${word} took ${took} ms`)
}

async function makeRoom (scene: Scene, names: readonly string[]): Promise<void> {
  for (const name of names) rmSync(join(scene.loras, name), { recursive: true })
  await fetch(`${scene.server.base}/api/lm/loras/scan`)
}

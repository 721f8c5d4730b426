import type { Test } from 'tap'
import type { FrameSink } from '../../../services/progress/types.ts'
import { civitaiDouble, type CivitaiDouble, type DoubleOptions } from '../../helpers/civitai/double.ts'
import { runningApp, type RunningApp, type RunningAppOptions } from '../../helpers/running-app.ts'
import { weights } from '../../services/downloads/file-server.ts'

export interface DownloadWorld { app: RunningApp, double: CivitaiDouble }

type Options = DoubleOptions & { settings?: Record<string, unknown>, prepare?: RunningAppOptions['prepare'] }

/** The whole service beside a double of CivitAI. The default folders are the roots. */
export async function downloadWorld (t: Pick<Test, 'testdir' | 'teardown'>, { settings = {}, prepare, ...double }: Options = {}): Promise<DownloadWorld> {
  const outside = await civitaiDouble(t, double)
  const app = await runningApp(t, {
    settings: { provider_base_urls: outside.providerBaseUrls, ...settings },
    ...(prepare && { prepare })
  })
  const { roots } = app
  await app.app.core.settings.update({ default_lora_root: roots.loras, default_checkpoint_root: roots.checkpoints, default_unet_root: roots.unet, default_embedding_root: roots.embeddings })
  return { app, double: outside }
}

/** Frames of one download, as a socket gets them. */
export function framesOf (app: RunningApp, id: string): Record<string, unknown>[] {
  const frames: Record<string, unknown>[] = []
  const sink: FrameSink = { bufferedAmount: 0, send: (text) => { frames.push(JSON.parse(text) as Record<string, unknown>) } }
  app.app.core.hub.attach('download', sink, id)
  return frames
}

/** Polls until the condition holds. */
export async function until (condition: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const end = performance.now() + ms
  while (!await condition()) {
    if (performance.now() > end) throw new Error('It did not come to pass')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** A LoRA of some size. */
export function lora (size = 300_000, name = 'painted.safetensors') {
  return { name, source: { bytes: weights(size) } }
}

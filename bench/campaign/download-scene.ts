import { statSync } from 'node:fs'
import { join } from 'node:path'
import { FILE_NAME, type ModelHost } from '../model-host.ts'
import type { Random } from '../random.ts'
import type { Complaint } from './check.ts'
import type { ChildServer } from './child-server.ts'
import { createCampaignClient } from './client.ts'

export const DOWNLOAD = 'campaign'

export interface DownloadReport {
  deaths: Record<'process' | 'server' | 'client', number>
  /** Bytes that were sent in all, of the size of the file. */
  sentOfSize: number
  /** The longest time until it took effect, in milliseconds. */
  slowest: Record<'pause' | 'resume' | 'cancel', number>
  /** How often a folder and the list were looked at, and showed no half file. */
  looks: number
  complaints: Complaint[]
  seconds: number
}

export interface Scene {
  directory: string
  loras: string
  settings: string
  serverFile: string
  random: Random
  server: ChildServer
  host: ModelHost
  report: DownloadReport
}

export function complain ({ report }: Pick<Scene, 'report'>, kind: string, text: string): void {
  report.complaints.push({ kind, text })
}

const partOf = ({ loras }: Scene): string => join(loras, `${FILE_NAME}.part`)
export const lengthOf = (scene: Scene): number => statSync(partOf(scene), { throwIfNoEntry: false })?.size ?? 0

export interface Answer { status: number, json: Record<string, unknown> }

/** The request of a client, which waits for the end; null when it was broken off. */
export async function ask (scene: Scene, signal?: AbortSignal): Promise<Answer | null> {
  try {
    const answer = await fetch(`${scene.server.base}/api/lm/download-model`, {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model_version_id: scene.host.versionId, model_root: scene.loras, download_id: DOWNLOAD }), ...(signal && { signal })
    })
    return { status: answer.status, json: await answer.json() as Record<string, unknown> }
  } catch (error) {
    if (error instanceof TypeError || (error instanceof Error && error.name === 'AbortError')) return null
    throw error
  }
}

export interface Download { state: string, error: unknown }

export async function downloadOf (scene: Scene): Promise<Download> {
  const answer = await createCampaignClient(scene.server.base).get(`/api/v1/downloads/${DOWNLOAD}`)
  return { state: String(answer?.json.state), error: answer?.json.error }
}

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, poll, stopProcess } from './built-server.ts'
import { createTimedClient } from './http-client.ts'

export interface ReferenceServer { base: string, pid: number, stop (): Promise<void> }

/** bench/baseline-server in a process of its own, answering these bytes. */
export async function startBaseline (directory: string, body: Buffer, type: string): Promise<ReferenceServer> {
  const file = join(directory, 'baseline-body')
  writeFileSync(file, body)
  const script = join(import.meta.dirname, `baseline-server.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`)
  const child = spawn(process.execPath, [...process.execArgv, script, file, type], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(child.stdout, 'data') as [Buffer]
  return { base: `http://127.0.0.1:${Number(line.toString('utf8'))}`, pid: pidOf(child), stop: () => stopProcess(child) }
}

/** nginx as a file server over one folder: one worker, sendfile, cached descriptors. */
export async function startNginx (directory: string, files: string): Promise<ReferenceServer> {
  const port = await freePort()
  const state = join(directory, 'nginx')
  mkdirSync(state, { recursive: true })
  const configuration = join(state, 'nginx.conf')
  writeFileSync(configuration, `${process.getuid?.() === 0 ? 'user root;\n' : ''}worker_processes 1;
daemon off;
pid ${state}/pid;
error_log ${state}/error.log;
events { worker_connections 256; }
http {
  access_log ${state}/access.log;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${state}/${name};`).join(' ')}
  types { image/png png; image/webp webp; image/jpeg jpg jpeg; }
  sendfile on;
  keepalive_requests 1000000;
  open_file_cache max=1000;
  server { listen 127.0.0.1:${port}; root ${files}; }
}
`)
  const child: ChildProcess = spawn('nginx', ['-p', state, '-c', configuration], { stdio: 'ignore' })
  const base = `http://127.0.0.1:${port}`
  const client = createTimedClient(base)
  try {
    await poll('nginx', async () => (await client.get('/')).status, { within: 5_000 })
  } finally {
    client.close()
  }
  return { base, pid: pidOf(child), stop: () => stopProcess(child) }
}

function pidOf ({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error('the reference could not be started')
  return pid
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { runCampaign } from './campaign.ts'
import { editTogether } from './concurrent-edits.ts'
import { runDownloads } from './downloads.ts'
import { runFaults } from './faults.ts'

/** Of the same build as this file. */
const serverFile = join(import.meta.dirname, '..', '..', 'server.js')

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '300' },
    models: { type: 'string', default: '300' },
    edits: { type: 'string', default: '2000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    faults: { type: 'boolean', default: true },
    downloads: { type: 'boolean', default: true },
    megabytes: { type: 'string', default: '2000' },
    deaths: { type: 'string', default: '20' },
    controls: { type: 'string', default: '30' },
    directory: { type: 'string' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  },
  allowNegative: true
})

if (values.help) {
  process.stdout.write(`npm run campaign -- [--kills 300] [--models 300] [--edits 2000] [--seed N] [--no-faults] [--no-downloads] [--megabytes 2000] [--deaths 20] [--controls 30] [--directory DIR] [--keep]
Works on a library of its own, kills the server again and again and looks for what is lost. Exit code 1 when anything is.
`)
} else {
  await campaign()
}

async function campaign (): Promise<void> {
  const scratch = values.directory ?? mkdtempSync(join(tmpdir(), 'modelshelf-campaign-'))
  const options = { serverFile, models: Number(values.models), seed: Number(values.seed) }
  process.stdout.write(`seed ${options.seed}, in ${scratch}\n`)
  try {
    const downloads = values.downloads ? await runDownloads({ ...options, directory: join(scratch, 'downloads'), megabytes: Number(values.megabytes), deaths: Number(values.deaths), controls: Number(values.controls) }) : null
    const kills = await runCampaign({
      ...options,
      directory: join(scratch, 'kills'),
      kills: Number(values.kills),
      onKill (done, complaints) {
        if (complaints.length > 0 || done % 10 === 0) process.stdout.write(`${done} kills\n`)
        for (const { kind, text } of complaints) process.stdout.write(`  ${kind}: ${text}\n`)
      }
    })
    const edits = await editTogether({ ...options, directory: join(scratch, 'edits'), files: 50, edits: Number(values.edits) })
    const faults = values.faults ? await runFaults({ ...options, directory: join(scratch, 'faults') }) : []
    const report = { downloads, kills, edits, faults }
    writeFileSync(join(scratch, 'report.json'), JSON.stringify(report, null, 2))
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
    const failed = (downloads?.complaints.length ?? 0) + kills.complaints.length + edits.complaints.length + faults.flatMap(({ complaints }) => complaints).length
    process.exitCode = failed > 0 ? 1 : 0
    if (failed > 0) process.stdout.write(`${failed} complaints; everything is left in ${scratch}\n`)
    else if (!values.keep) rmSync(scratch, { recursive: true, force: true })
  } catch (error) {
    process.stdout.write(`broke off; everything is left in ${scratch}\n`)
    throw error
  }
}

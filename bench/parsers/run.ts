import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { replaceTable } from '../report.ts'
import { compare } from './compare.ts'
import { readExpectations, type Expectation } from './expectations.ts'

const { values } = parseArgs({ options: { fixtures: { type: 'string', default: '../shared/fixtures' }, 'dry-run': { type: 'boolean', default: false }, help: { type: 'boolean', default: false } } })

interface Row { images: number, right: number, wrong: number, missed: number }

if (values.help) {
  process.stdout.write(`npm run parsers -- [--fixtures DIR] [--dry-run]
Reads the images of DIR and compares with what is expected of them; rewrites the table of README.md unless --dry-run is given.
`)
} else process.exitCode = await run(values.fixtures, values['dry-run'])

/** 0 when every field of every image is right, 1 otherwise, 2 without images. */
async function run (fixtures: string, dry: boolean): Promise<number> {
  const expectations = readExpectations(fixtures)
  if (expectations.length === 0) {
    process.stderr.write(`No images with expectations below ${fixtures}; README.md is left as it is.\n`)
    return 2
  }
  const rows = new Map<string, Row>()
  for (const expectation of expectations) await count(rows, expectation)
  const table = tableOf(rows)
  process.stdout.write(`${table}\n`)
  if (!dry) {
    const readme = join(import.meta.dirname, '..', '..', 'README.md')
    writeFileSync(readme, replaceTable(readFileSync(readme, 'utf8'), table, 'parsers'))
  }
  return [...rows.values()].every(({ wrong, missed }) => wrong + missed === 0) ? 0 : 1
}

async function count (rows: Map<string, Row>, expectation: Expectation): Promise<void> {
  const row = rows.get(expectation.tool) ?? { images: 0, right: 0, wrong: 0, missed: 0 }
  rows.set(expectation.tool, row)
  const { right, wrong, missed } = await compare(expectation)
  row.images++
  row.right += right
  row.wrong += wrong.length
  row.missed += missed.length
  for (const text of [...wrong, ...missed.map((field) => `${field}: missed`)]) process.stdout.write(`${expectation.tool} ${expectation.image}: ${text}\n`)
}

function tableOf (rows: ReadonlyMap<string, Row>): string {
  const total = [...rows.values()].reduce<Row>((sum, row) => ({ images: sum.images + row.images, right: sum.right + row.right, wrong: sum.wrong + row.wrong, missed: sum.missed + row.missed }), { images: 0, right: 0, wrong: 0, missed: 0 })
  const line = (name: string, { images, right, wrong, missed }: Row): string => `| ${name} | ${images} | ${right} | ${wrong} | ${missed} |`
  return ['| | images | fields right | wrong | missed |', '|---|--:|--:|--:|--:|', ...[...rows].map(([name, row]) => line(name, row)), line('all', total)].join('\n')
}

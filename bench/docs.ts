import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { documentedApp, documentsOf } from './documents.ts'

/** Writes the documents that are made from the program; a test says when they are out of date. */
const folder = join(import.meta.dirname, '..', 'docs')
const { document, close } = await documentedApp()
for (const [name, text] of Object.entries(documentsOf(document))) writeFileSync(join(folder, name), text)
await close()

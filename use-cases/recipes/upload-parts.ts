import type { Readable } from 'node:stream'
import type { MediaIntake } from '../../services/recipes/media-intake.ts'

/** A part of a multipart form: a value, or a file as it comes. */
export type FormPart = { name: string, value: unknown } | { name: string, content: Readable }

export interface ReceivedForm {
  fields: Map<string, string>
  /** Files of ours by the name of their part, the first of each. */
  files: Map<string, string>
}

/** How files of a form are taken; those of other parts are let by. */
export type FileTaker = (content: Readable) => Promise<string>

/**
 * Receives a form and hands it to the work, whatever the order of its parts; its files are gone when this ends, however it ends.
 * @throws what the work throws, and what breaks the form
 */
export async function withForm<T> (intake: MediaIntake, parts: AsyncIterable<FormPart>, takers: Readonly<Record<string, FileTaker>>, work: (form: ReceivedForm) => Promise<T>): Promise<T> {
  const form: ReceivedForm = { fields: new Map(), files: new Map() }
  try {
    for await (const part of parts) await receive(form, part, takers)
    return await work(form)
  } finally {
    for (const file of form.files.values()) await intake.remove(file)
  }
}

async function receive ({ fields, files }: ReceivedForm, part: FormPart, takers: Readonly<Record<string, FileTaker>>): Promise<void> {
  if ('value' in part) {
    if (typeof part.value === 'string' && !fields.has(part.name)) fields.set(part.name, part.value)
    return
  }
  const take = Object.hasOwn(takers, part.name) && !files.has(part.name) ? takers[part.name] : undefined
  if (take) files.set(part.name, await take(part.content))
  else part.content.resume()
}

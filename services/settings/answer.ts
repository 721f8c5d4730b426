import { namesSecret, SECRET_MASK, settingRow, settingRows } from './schema.ts'

/** Secrets whose flag is answered even when nobody ever set them. */
const flags = settingRows.filter(({ exposure }) => exposure === 'secret').map(({ key }) => key)

/**
 * What clients are told of the settings: no value of a secret, only whether there is one. Keys without a row are told as
 * they are, unless their name says that they hold a secret too.
 */
export function answerOf (effective: ReadonlyMap<string, unknown>, file: string): Record<string, unknown> {
  const answer = new Map<string, unknown>()
  for (const [key, value] of effective) {
    const exposure = settingRow(key)?.exposure ?? (namesSecret(key) ? 'secret' : 'shown')
    if (exposure === 'shown') answer.set(key, value)
    if (exposure === 'masked') answer.set(key, value === '' ? '' : SECRET_MASK)
    if (exposure === 'secret') answer.set(`${key}_set`, value !== '')
  }
  for (const key of flags) if (!answer.has(`${key}_set`)) answer.set(`${key}_set`, false)
  answer.set('settings_file', file)
  return Object.fromEntries(answer)
}

/** Keys of the answer that are no settings; a client that sends its whole copy back says nothing with them. */
export function answeredOnly (key: string): boolean {
  return key === 'settings_file' || flags.some((secret) => key === `${secret}_set`)
}

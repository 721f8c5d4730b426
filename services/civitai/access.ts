/** Who may have a version: early access, paid access, on-site use only. */
export interface PaidAccess { permanent: boolean, endsAt: string | null }

/** The members of a version that say so; documents of several endpoints have them. */
export interface AccessFacts { availability?: unknown, earlyAccessEndsAt?: unknown, earlyAccessConfig?: unknown, paidAccess?: unknown, usageControl?: unknown }

/** An object or JSON text; one that gates nothing is null. */
export function paidAccessOf ({ paidAccess }: AccessFacts): PaidAccess | null {
  const source = typeof paidAccess === 'string' ? parsed(paidAccess) : paidAccess
  if (typeof source !== 'object' || source === null) return null
  const { permanent, endsAt } = source as Record<string, unknown>
  const gate = { permanent: permanent === true, endsAt: typeof endsAt === 'string' && endsAt !== '' ? endsAt : null }
  return gate.permanent || gate.endsAt !== null ? gate : null
}

/** When early access ends as ISO text, null when nothing names a time. */
export function earlyAccessEnd (facts: AccessFacts): string | null {
  const { earlyAccessEndsAt: end } = facts
  return typeof end === 'string' && end !== '' ? end : paidAccessOf(facts)?.endsAt ?? null
}

/** Whether the version is marked as early access, whatever the time. */
export function hasEarlyAccessFlag (facts: AccessFacts): boolean {
  return facts.availability === 'EarlyAccess' || (paidAccessOf(facts)?.endsAt ?? null) !== null
}

/** Whether it is in early access at this time (milliseconds since 1970). A time that can't be read counts as in the future. */
export function isEarlyAccess (facts: AccessFacts, now: number): boolean {
  const end = earlyAccessEnd(facts)
  if (end === null) return paidAccessOf(facts)?.permanent !== true && hasEarlyAccessFlag(facts)
  const time = Date.parse(end)
  return Number.isNaN(time) || time > now
}

/** Bought once and for all, never free. */
export function isPaid (facts: AccessFacts): boolean {
  return paidAccessOf(facts)?.permanent === true
}

/** False for versions that can only be used on the site. */
export function isDownloadable ({ usageControl }: AccessFacts): boolean {
  return usageControl === undefined || usageControl === null || usageControl === '' || usageControl === 'Download'
}

function parsed (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

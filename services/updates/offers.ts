import { isDownloadable } from '../civitai/access.ts'
import type { SettingsManager } from '../settings/types.ts'
import type { UpdateRecord } from './types.ts'

/** What of a version decides whether it is on offer. */
export interface Access {
  /** Marked as early access, whatever the time. */
  earlyAccess: boolean
  /** End of early access in milliseconds since the epoch; NaN when it can't be read, null when there is none. */
  endsAt: number | null
  isPaid: boolean
}

/** Versions that the user does not want to hear of. */
export interface HiddenOffers { earlyAccess: boolean, paid: boolean }

export function hiddenOffers (settings: Pick<SettingsManager, 'get'>): HiddenOffers {
  return { earlyAccess: settings.get('hide_early_access_updates') === true, paid: settings.get('hide_paid_updates') === true }
}

/** An end that can't be read counts as in the future; what is bought for good and has no end is no early access. */
export function isInEarlyAccess ({ earlyAccess, endsAt, isPaid }: Access, now: number): boolean {
  return endsAt === null ? earlyAccess && !isPaid : Number.isNaN(endsAt) || endsAt > now
}

export function isOnOffer (access: Access, hidden: HiddenOffers, now: number): boolean {
  return !(hidden.paid && access.isPaid) && !(hidden.earlyAccess && isInEarlyAccess(access, now))
}

export function endOf (text: unknown): number | null {
  return typeof text === 'string' && text !== '' ? Date.parse(text) : null
}

/** Whether any version that the library lacks is newer than all it has; where it has none, any version counts. */
export function hasUpdate ({ shouldIgnore, versions }: UpdateRecord, hidden: HiddenOffers, now: number): boolean {
  if (shouldIgnore) return false
  const newest = Math.max(0, ...versions.filter(({ isInLibrary }) => isInLibrary).map(({ versionId }) => versionId))
  return versions.some((version) => !version.isInLibrary && !version.shouldIgnore && version.versionId > newest &&
    isDownloadable(version) && isOnOffer({ ...version, endsAt: endOf(version.earlyAccessEndsAt) }, hidden, now))
}

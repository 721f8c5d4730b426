import { hostname } from 'node:os'
import { acquireLock, readLock } from '../database/lock.ts'
import { createStateDatabase, joinStateDatabase } from '../database/state.ts'
import { DomainError } from '../errors.ts'
import type { Logger } from '../logger.ts'
import { createTokenStore } from './token-store.ts'

/**
 * Makes a new access token for the server of a settings directory, whether it runs or not; only its hash is kept.
 * @throws ConflictError when the server runs on another machine, where its database can't be shared
 */
export async function issueToken (settingsDirectory: string, logger: Logger): Promise<string> {
  const lock = await lockUnlessServed(settingsDirectory)
  const state = lock ? createStateDatabase(settingsDirectory, logger) : joinStateDatabase(settingsDirectory)
  try {
    return createTokenStore(state).issue()
  } finally {
    state.close()
    lock?.release()
  }
}

/** Null: a server of this machine holds the lock. */
async function lockUnlessServed (settingsDirectory: string) {
  try {
    return await acquireLock(settingsDirectory)
  } catch (error) {
    const served = error instanceof DomainError && error.code === 'already-running' && readLock(settingsDirectory)?.machine === hostname()
    if (served) return null
    throw error
  }
}

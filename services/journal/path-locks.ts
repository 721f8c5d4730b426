export interface PathLocks {
  /** Resolves with the release once no earlier holder or waiter has any of these paths: in order of asking, so nothing starves or deadlocks. */
  acquire (paths: Iterable<string>): Promise<() => void>
}

interface Claim { paths: Set<string>, released: Promise<void> }

/** Keeps operations on the same files apart; operations on different files run side by side. */
export function createPathLocks (): PathLocks {
  const claims = new Set<Claim>()
  return {
    acquire: async (paths) => {
      const own = new Set(paths)
      const earlier = [...claims].filter((claim) => [...own].some((path) => claim.paths.has(path)))
      let open = (): void => undefined
      const claim: Claim = { paths: own, released: new Promise((resolve) => { open = resolve }) }
      claims.add(claim)
      await Promise.all(earlier.map((other) => other.released))
      return () => {
        claims.delete(claim)
        open()
      }
    }
  }
}

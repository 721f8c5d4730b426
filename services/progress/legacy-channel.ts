import type { FrameSink } from './types.ts'
import { paceOf, trySend } from './pace.ts'

type Frame = Record<string, unknown>
interface Member { sink: FrameSink, id: string | undefined, missed: Map<string, string> }
interface Snapshot { frame: Frame, at: number }

export interface LegacyChannelState {
  readonly size: number
  attach (sink: FrameSink, id?: string): () => void
  /** Sends the frame to all members (with `id`: to those of this id); a slow one keeps only the newest frame per lane. */
  send (frame: Frame, lane: string, id?: string): void
  keep (key: string, frame: Frame): void
  snapshot (key: string): Frame | undefined
  forget (key: string): void
  /** Sends skipped members their newest frames; true while somebody is still behind. */
  catchUp (): boolean
}

export interface LegacyChannelRules {
  /** Snapshots that a new member gets. */
  replay (key: string, frame: Frame, id: string | undefined): boolean
  /** Milliseconds a snapshot is kept after the last frame, Infinity for ever. */
  lifetime (frame: Frame): number
  monotonic (): number
}

const SWEEP_EVERY_MS = 60_000

export function createLegacyChannel (rules: LegacyChannelRules): LegacyChannelState {
  const members = new Set<Member>()
  const snapshots = new Map<string, Snapshot>()
  let sweptAt = rules.monotonic()

  function deliver (member: Member, lane: string, text: string): void {
    const pace = paceOf(member.sink)
    if (pace === 'skip') {
      member.missed.set(lane, text)
      return
    }
    member.missed.delete(lane)
    if (pace === 'drop' || !trySend(member.sink, text)) {
      members.delete(member)
      member.sink.close?.()
    }
  }

  const expired = ({ frame, at }: Snapshot, now: number): boolean => now - at > rules.lifetime(frame)

  function sweep (): void {
    const now = rules.monotonic()
    if (now - sweptAt < SWEEP_EVERY_MS) return
    sweptAt = now
    for (const [key, kept] of snapshots) if (expired(kept, now)) snapshots.delete(key)
  }

  return {
    get size () { return members.size },
    attach (sink, id) {
      const member: Member = { sink, id, missed: new Map() }
      for (const [key, { frame }] of snapshots) {
        if (rules.replay(key, frame, id)) deliver(member, key, JSON.stringify(frame))
      }
      members.add(member)
      return () => { members.delete(member) }
    },
    send (frame, lane, id) {
      let text: string | undefined
      for (const member of members) {
        if (id !== undefined && member.id !== id) continue
        text ??= JSON.stringify(frame)
        deliver(member, lane, text)
      }
    },
    keep (key, frame) {
      sweep()
      snapshots.set(key, { frame, at: rules.monotonic() })
    },
    snapshot (key) {
      const kept = snapshots.get(key)
      return kept && !expired(kept, rules.monotonic()) ? kept.frame : undefined
    },
    forget (key) { snapshots.delete(key) },
    catchUp () {
      let behind = false
      for (const member of members) {
        for (const [lane, text] of [...member.missed]) deliver(member, lane, text)
        behind ||= member.missed.size > 0 && members.has(member)
      }
      return behind
    }
  }
}

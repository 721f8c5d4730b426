import { Type, type Static } from '@sinclair/typebox'

/** The file that keeps fetched names between runs. */
export const FetchedNamesFile = Type.Object({
  names: Type.Array(Type.String()),
  /** ISO 8601 UTC */
  fetched_at: Type.String()
})
export type FetchedNames = Static<typeof FetchedNamesFile>

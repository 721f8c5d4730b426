import { Type, type Static } from '@sinclair/typebox'

/** What the provider answers; other members are not ours to judge. */
export const RemoteEnums = Type.Object({
  ActiveBaseModel: Type.Optional(Type.Array(Type.Unknown())),
  BaseModel: Type.Optional(Type.Array(Type.Unknown()))
})

/** The file that keeps fetched names between runs. */
export const FetchedNamesFile = Type.Object({
  names: Type.Array(Type.String()),
  /** ISO 8601 UTC */
  fetched_at: Type.String()
})
export type FetchedNames = Static<typeof FetchedNamesFile>

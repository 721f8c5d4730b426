import { Type, type Static } from '@sinclair/typebox'

/**
 * What CivitAI answers, as open documents: nothing but the ids is relied upon, everything unknown is kept.
 * Values of a wrong type are dropped before the check (see tidy.ts), so that one odd field costs no model.
 */
const Id = Type.Integer({ minimum: 1 })
const Words = Type.String()
const Nullable = <S extends Parameters<typeof Type.Union>[0][number]>(schema: S) => Type.Union([schema, Type.Null()])

export const CivitaiFile = Type.Object({
  id: Type.Optional(Id),
  name: Type.Optional(Words),
  /** `Model`, `Pruned Model`, `VAE`, `Config`, `Archive`, `Training Data` … */
  type: Type.Optional(Words),
  sizeKB: Type.Optional(Nullable(Type.Number())),
  /** `AutoV1`, `AutoV2`, `SHA256`, `CRC32`, `BLAKE3`, `AutoV3`; hex in either case. */
  hashes: Type.Optional(Type.Record(Type.String(), Type.String())),
  metadata: Type.Optional(Nullable(Type.Object({
    format: Type.Optional(Nullable(Words)), size: Type.Optional(Nullable(Words)), fp: Type.Optional(Nullable(Words))
  }, { additionalProperties: true }))),
  downloadUrl: Type.Optional(Words),
  primary: Type.Optional(Type.Boolean()),
  /** CivArchive only. */
  mirrors: Type.Optional(Type.Array(Type.Object({
    url: Type.Optional(Nullable(Words)), filename: Type.Optional(Nullable(Words)), source: Type.Optional(Nullable(Words)), deletedAt: Type.Optional(Nullable(Words))
  }, { additionalProperties: true })))
}, { additionalProperties: true })

export const CivitaiImage = Type.Object({
  id: Type.Optional(Id),
  url: Type.Optional(Words),
  /** 0 unknown, 1 PG, 2 PG13, 4 R, 8 X, 16 XXX, 32 blocked; some answers give a word. */
  nsfwLevel: Type.Optional(Type.Union([Type.Number(), Words, Type.Null()])),
  type: Type.Optional(Words),
  width: Type.Optional(Nullable(Type.Number())),
  height: Type.Optional(Nullable(Type.Number())),
  meta: Type.Optional(Nullable(Type.Object({}, { additionalProperties: true })))
}, { additionalProperties: true })

export const CivitaiCreator = Type.Object({ username: Type.Optional(Nullable(Words)), image: Type.Optional(Nullable(Words)) }, { additionalProperties: true })

const version = {
  id: Id,
  modelId: Type.Optional(Id),
  name: Type.Optional(Words),
  description: Type.Optional(Nullable(Words)),
  baseModel: Type.Optional(Nullable(Words)),
  availability: Type.Optional(Nullable(Words)),
  createdAt: Type.Optional(Nullable(Words)),
  publishedAt: Type.Optional(Nullable(Words)),
  /** `Download` or null: may be downloaded. */
  usageControl: Type.Optional(Nullable(Words)),
  /** ISO 8601. */
  earlyAccessEndsAt: Type.Optional(Nullable(Words)),
  trainedWords: Type.Optional(Type.Array(Type.String())),
  files: Type.Optional(Type.Array(CivitaiFile)),
  images: Type.Optional(Type.Array(CivitaiImage)),
  downloadUrl: Type.Optional(Words)
}

/** The model's part of a version, with what enrichment adds. */
export const CivitaiVersionModel = Type.Object({
  name: Type.Optional(Words),
  type: Type.Optional(Words),
  nsfw: Type.Optional(Type.Boolean()),
  poi: Type.Optional(Type.Boolean()),
  description: Type.Optional(Nullable(Words)),
  tags: Type.Optional(Type.Array(Type.String())),
  allowNoCredit: Type.Optional(Type.Unknown()),
  allowCommercialUse: Type.Optional(Type.Unknown()),
  allowDerivatives: Type.Optional(Type.Unknown()),
  allowDifferentLicense: Type.Optional(Type.Unknown())
}, { additionalProperties: true })

export const CivitaiVersion = Type.Object({
  ...version,
  model: Type.Optional(Nullable(CivitaiVersionModel)),
  creator: Type.Optional(Nullable(CivitaiCreator)),
  /** Set by other providers: `civarchive`, `archive_db`; absent from CivitAI itself. */
  source: Type.Optional(Words)
}, { additionalProperties: true })

export const CivitaiModel = Type.Object({
  id: Id,
  name: Type.Optional(Words),
  type: Type.Optional(Words),
  description: Type.Optional(Nullable(Words)),
  nsfw: Type.Optional(Type.Boolean()),
  poi: Type.Optional(Type.Boolean()),
  tags: Type.Optional(Type.Array(Type.String())),
  creator: Type.Optional(Nullable(CivitaiCreator)),
  allowNoCredit: Type.Optional(Type.Unknown()),
  allowCommercialUse: Type.Optional(Type.Unknown()),
  allowDerivatives: Type.Optional(Type.Unknown()),
  allowDifferentLicense: Type.Optional(Type.Unknown()),
  modelVersions: Type.Optional(Type.Array(Type.Object(version, { additionalProperties: true })))
}, { additionalProperties: true })

export const CivitaiHashMatch = Type.Object({ modelVersionId: Id, hash: Type.String() }, { additionalProperties: true })

export type CivitaiFileDocument = Static<typeof CivitaiFile>
export type CivitaiImageDocument = Static<typeof CivitaiImage>
export type CivitaiVersionDocument = Static<typeof CivitaiVersion>
export type CivitaiModelDocument = Static<typeof CivitaiModel>
export type CivitaiHashMatchDocument = Static<typeof CivitaiHashMatch>

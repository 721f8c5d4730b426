import { readBoolean, readObject } from './read-value.ts'

/** Bits of the licence mask, as clients know them. */
export const LICENSE_BITS = { noCredit: 1, image: 2, rentCivit: 4, rent: 8, sell: 16, derivatives: 32, differentLicense: 64 } as const

const COMMERCIAL_BITS: ReadonlyMap<string, number> = new Map([
  ['image', LICENSE_BITS.image],
  ['rentcivit', LICENSE_BITS.rentCivit],
  ['rent', LICENSE_BITS.rent],
  ['sell', LICENSE_BITS.sell]
])

/**
 * The licence mask of a sidecar document: permissions of `civitai.model`, else the top-level keys of the same names,
 * else CivitAI's defaults (113). Commercial permissions are independent of each other.
 */
export function licenseFlags (document: Record<string, unknown>): number {
  const model = readObject(readObject(document.civitai)?.model)
  const permission = (name: string): unknown => model?.[name] ?? document[name]
  let flags = commercialFlags(permission('allowCommercialUse'))
  if (readBoolean(permission('allowNoCredit'), true)) flags |= LICENSE_BITS.noCredit
  if (readBoolean(permission('allowDerivatives'), true)) flags |= LICENSE_BITS.derivatives
  if (readBoolean(permission('allowDifferentLicense'), true)) flags |= LICENSE_BITS.differentLicense
  return flags
}

/** Takes a list, one name, `A,B` or the aggregate `{A,B}` (also inside a list). An explicit empty list permits nothing. */
function commercialFlags (value: unknown): number {
  if (typeof value !== 'string' && !Array.isArray(value)) return LICENSE_BITS.sell
  let flags = 0
  for (const item of Array.isArray(value) ? value : [value]) {
    if (typeof item !== 'string') continue
    for (const name of item.replace(/[{}]/g, '').split(',')) {
      flags |= COMMERCIAL_BITS.get(name.trim().toLowerCase().replace(/[_-]/g, '')) ?? 0
    }
  }
  return flags
}

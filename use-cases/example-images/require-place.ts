import { DomainError } from '../../services/errors.ts'
import type { ExamplePlace, ExamplePlaces } from '../../services/example-images/places.ts'
import { findUsablePlace } from '../../services/example-images/usable-place.ts'
import type { SettingsManager } from '../../services/settings/types.ts'

/** The folder of example images before anything in it is moved away or removed. @throws DomainError `invalid` when it is none of ours */
export async function requirePlace (places: ExamplePlaces, settings: Pick<SettingsManager, 'libraries'>): Promise<ExamplePlace> {
  const found = await findUsablePlace(places, settings)
  if ('code' in found) throw coded('invalid', found.code, found.reason)
  return found
}

/** Clients of the family read `error_code`, in their own spelling. */
export function coded (kind: DomainError['kind'], code: string, message: string): DomainError {
  return new DomainError(kind, code, message, { error_code: code.replaceAll('-', '_') })
}

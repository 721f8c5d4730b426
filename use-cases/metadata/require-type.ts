import { InvalidInputError } from '../../services/errors.ts'
import { kindOfModelType } from '../../services/civitai/file-choice.ts'
import type { ModelType, ModelTypeName } from '../../services/models/types.ts'

/** As clients show them. */
const labels: Record<ModelTypeName, string> = { lora: 'LORA, LoCon, or DORA', checkpoint: 'Checkpoint', embedding: 'TextualInversion' }

/** Clients test for the first words. @throws InvalidInputError when the provider's model is of another type */
export function requireType (type: ModelType, found: string): void {
  if (kindOfModelType(found) !== type.name) throw new InvalidInputError(`Model type mismatch. Expected ${labels[type.name]}, got ${found}`, 'model-type-mismatch')
}

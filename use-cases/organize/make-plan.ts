import { InvalidInputError } from '../../services/errors.ts'
import { readOrganizeRequest } from '../../services/models/organize-request.ts'
import type { Organizer } from '../../services/models/organizer.ts'
import { modelTypes } from '../../services/models/types.ts'
import { planView, type PlanView } from './plan-view.ts'

export interface PlanInput { model_type: string, file_paths?: string[], exclusion_patterns?: string[] }

/** Makes and keeps a plan for one type of models (`lora` or `loras`). @throws InvalidInputError for an unknown type */
export const makePlan = ({ organizer }: { organizer: Organizer }) => async (input: PlanInput): Promise<PlanView> => {
  const type = modelTypes.find(({ name, prefix }) => name === input.model_type || prefix === input.model_type)
  if (!type) throw new InvalidInputError(`Unknown model type "${input.model_type}"`)
  return planView(await organizer.plan(type.name, readOrganizeRequest(input)))
}

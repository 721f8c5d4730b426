import type { Core } from '../../services/core.ts'
import { applyPlan } from './apply-plan.ts'
import { getPlan } from './get-plan.ts'
import { makePlan } from './make-plan.ts'

/** Plans of where models belong: made, looked at, carried out. */
export function createOrganizeUseCases ({ organizer }: Pick<Core, 'organizer'>) {
  return {
    makePlan: makePlan({ organizer }),
    getPlan: getPlan({ organizer }),
    applyPlan: applyPlan({ organizer })
  }
}

export type OrganizeUseCases = ReturnType<typeof createOrganizeUseCases>

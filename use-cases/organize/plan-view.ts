import type { OrganizePlan } from '../../services/models/organize-plan.ts'
import type { StoredPlan } from '../../services/models/organize-plan-store.ts'

/** A plan as clients see it. */
export type PlanView = Omit<StoredPlan, 'untouched'> & { untouched: Omit<OrganizePlan['untouched'][number], 'quiet'>[] }

export function planView ({ untouched, ...plan }: StoredPlan): PlanView {
  return { ...plan, untouched: untouched.map(({ path, reason }) => ({ path, reason })) }
}

import type { Organizer } from '../../services/models/organizer.ts'
import { planView, type PlanView } from './plan-view.ts'

/** @throws NotFoundError */
export const getPlan = ({ organizer }: { organizer: Organizer }) => (id: string): PlanView => planView(organizer.find(id))

import type { OrganizeCounts } from './organize-frames.ts'
import type { OrganizePlan } from './organize-plan.ts'
import type { OrganizeOutcome, OrganizeProblem } from './organize-run.ts'

/** What a run answers when it is over; also the result of its job. */
export interface OrganizeAnswer {
  status: 'success' | 'cancelled'
  message: string
  summary: {
    total: number
    success: number
    skipped: number
    failures: number
    organization_type: 'flat' | 'structured'
    /** Folders that this run emptied and removed, by place. */
    cleaned_dirs: Record<string, number>
    operation_type: 'all' | 'bulk'
  }
  /** Models that did not get to their place; only the first of them, apart, when they are many. */
  results?: OrganizeProblem[]
  results_truncated?: true
  sample_results?: OrganizeProblem[]
}

const MOST_RESULTS = 100
const SAMPLE = 50

export function answerOf (plan: Pick<OrganizePlan, 'organization_type'> | null, operationType: 'all' | 'bulk', counts: OrganizeCounts, { status, cleaned, problems }: OrganizeOutcome): OrganizeAnswer {
  const { total, success, skipped, failures } = counts
  return {
    status,
    message: `Auto-organize ${operationType} ${status === 'success' ? 'completed' : 'cancelled'}: ${success} moved, ${skipped} skipped, ${failures} failed out of ${total} total`,
    summary: { total, success, skipped, failures, organization_type: plan?.organization_type ?? 'structured', cleaned_dirs: cleaned, operation_type: operationType },
    ...problems.length > MOST_RESULTS
      ? { results_truncated: true, sample_results: problems.slice(0, SAMPLE) }
      : { results: problems }
  }
}

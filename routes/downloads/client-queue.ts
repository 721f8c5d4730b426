import type { FastifyInstance } from 'fastify'
import { Type, type TSchema } from '@sinclair/typebox'
import type { RawParameters } from '../../use-cases/downloads/client-queue.ts'
import type { DownloadUseCases } from '../../use-cases/downloads/index.ts'
import { HistoryRow, QueueRow, Stats, answers, documentedOnly, idParameter, open, parameters, tags, text } from './schemas.ts'

interface QueueRoute {
  path: string
  operationId: string
  summary: string
  parameters?: TSchema
  /** Members beside `success`. */
  members: Record<string, TSchema>
  failures: number[]
  changes: boolean
  run: (parameters: RawParameters) => object | undefined
}

const historyKey = parameters({ download_id: text('Id of the download; wins over `id`'), id: text('Id of the row') })
const byStatus = parameters({ status: text('Only rows in this state') })
const cleared = { cleared: Type.Integer() }

function queueRoutes (useCases: DownloadUseCases): QueueRoute[] {
  const none = (work: (parameters: RawParameters) => void) => (given: RawParameters): undefined => { work(given) }
  return [
    { path: 'queue', operationId: 'listQueue', summary: 'The list of downloads that clients keep here', members: { queue: Type.Array(QueueRow), stats: Stats }, failures: [], changes: false, run: useCases.listQueue },
    { path: 'queue/add', operationId: 'addToQueue', summary: 'Add a download; an id that is known changes nothing', parameters: QueueRow, members: { item: QueueRow }, failures: [400], changes: true, run: useCases.addToQueue },
    { path: 'queue/remove', operationId: 'removeFromQueue', summary: 'Remove a download', parameters: idParameter, members: {}, failures: [400], changes: true, run: useCases.removeFromQueue },
    { path: 'queue/move-to-top', operationId: 'moveToTop', summary: 'Move a download before all others', parameters: idParameter, members: {}, failures: [400], changes: true, run: (given) => useCases.moveInQueue(given, 'top') },
    { path: 'queue/move-to-end', operationId: 'moveToEnd', summary: 'Move a download behind all others', parameters: idParameter, members: {}, failures: [400], changes: true, run: (given) => useCases.moveInQueue(given, 'end') },
    { path: 'queue/clear', operationId: 'clearQueue', summary: 'Empty the list', parameters: byStatus, members: cleared, failures: [400], changes: true, run: useCases.clearQueue },
    { path: 'queue/status', operationId: 'setQueueStatus', summary: 'Note the state of a download', parameters: parameters({ download_id: text('Id'), status: text('State') }), members: {}, failures: [400, 404], changes: true, run: none(useCases.setQueueStatus) },
    { path: 'queue/complete', operationId: 'completeInQueue', summary: 'Move a download to the history', parameters: parameters({ download_id: text('Id'), status: text('completed, failed, canceled or skipped') }), members: { item: QueueRow }, failures: [400, 404], changes: true, run: useCases.completeInQueue },
    { path: 'history', operationId: 'listDownloadHistory', summary: 'Ended downloads, newest first', parameters: parameters({ limit: text('At most 500; 50 unless told'), offset: text('From 0'), status: text('Only rows in this state') }), members: { items: Type.Array(HistoryRow), total: Type.Integer(), limit: Type.Integer(), offset: Type.Integer() }, failures: [400], changes: false, run: useCases.listHistory },
    { path: 'history/clear', operationId: 'clearDownloadHistory', summary: 'Empty the history', parameters: byStatus, members: cleared, failures: [400], changes: true, run: useCases.clearHistory },
    { path: 'history/delete', operationId: 'deleteFromDownloadHistory', summary: 'Remove a row of the history', parameters: historyKey, members: {}, failures: [400], changes: true, run: useCases.deleteFromHistory },
    { path: 'history/retry', operationId: 'retryFromDownloadHistory', summary: 'Queue a failed or cancelled download again', parameters: historyKey, members: { item: QueueRow }, failures: [400, 404], changes: true, run: useCases.retryFromHistory },
    { path: 'history/retry-all', operationId: 'retryAllFromDownloadHistory', summary: 'Queue all failed and cancelled downloads again', members: { retry_count: Type.Integer() }, failures: [], changes: true, run: useCases.retryAllFromHistory },
    { path: 'stats', operationId: 'getDownloadStats', summary: 'How many downloads there are in each state', members: { stats: Stats }, failures: [], changes: false, run: useCases.getStats }
  ]
}

/** The list that clients keep with us. Changes answer GET, as clients ask, and POST. */
export function registerClientQueue (app: FastifyInstance): void {
  for (const { path, operationId, summary, parameters, members, failures, changes, run } of queueRoutes(app.getDecorator<DownloadUseCases>('useCases'))) {
    for (const method of changes ? ['GET', 'POST'] as const : ['GET'] as const) {
      app.route<{ Querystring: RawParameters, Body: Record<string, unknown> | undefined }>({
        method,
        url: `/api/lm/downloads/${path}`,
        ...(changes && { config: { changesState: true } }),
        validatorCompiler: documentedOnly,
        schema: {
          operationId: method === 'GET' ? operationId : `${operationId}ByPost`,
          tags,
          summary,
          ...(parameters && { querystring: parameters }),
          response: answers(open({ success: Type.Boolean({ description: 'False when there was no such row' }), ...members }), ...failures)
        },
        handler: async (request) => ({ success: true, ...run({ ...texts(request.body), ...request.query }) })
      })
    }
  }
}

/** Members of a JSON body as the texts that a query would bear. */
function texts (body: Record<string, unknown> | undefined): RawParameters {
  return Object.fromEntries(Object.entries(body ?? {}).flatMap(([name, value]) =>
    value === null || value === undefined ? [] : [[name, typeof value === 'object' ? JSON.stringify(value) : String(value)]]))
}

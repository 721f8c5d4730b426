import { LogController, type FastifyHttpOptions, type FastifyServerOptions } from 'fastify'
import type { Server } from 'node:http'
import { writeClientError, writeFailure } from './error-handler.ts'
import { createRequestLogger } from './request-logger.ts'

export const MAX_CONNECTIONS = 1024
const MEBIBYTE = 1024 * 1024

/**
 * Options of the server itself: limits against slow and oversized requests, and the logger.
 * Secrets in headers never reach the log; a request line is not logged, because a query may hold a token.
 */
export function fastifyOptions ({ logLevel }: { logLevel: string }) {
  const run = Date.now().toString(36)
  let requests = 0
  return {
    logger: {
      level: logLevel,
      redact: ['req.headers.authorization', 'req.headers.cookie', 'headers.authorization', 'headers.cookie', '*.civitai_api_key', '*.llm_api_key', '*.proxy_password']
    },
    logController: new LogController({ disableRequestLogging: true }),
    childLoggerFactory: createRequestLogger,
    genReqId: () => `${run}-${(++requests).toString(36)}`,
    bodyLimit: 32 * MEBIBYTE,
    requestTimeout: 120_000,
    keepAliveTimeout: 65_000,
    connectionTimeout: 0,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: 8192, ignoreTrailingSlash: false },
    http: { headersTimeout: 15_000, maxHeaderSize: 64 * 1024, connectionsCheckingInterval: 5_000 },
    frameworkErrors: (error, request, reply) => { writeFailure(error, request, reply) },
    clientErrorHandler: writeClientError
  } satisfies FastifyServerOptions & Pick<FastifyHttpOptions<Server>, 'http'>
}

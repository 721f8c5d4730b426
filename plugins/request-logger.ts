import type { FastifyBaseLogger } from 'fastify'

type Parent = Pick<FastifyBaseLogger, 'child'>
type Bindings = Parameters<FastifyBaseLogger['child']>[0]
type Options = Parameters<FastifyBaseLogger['child']>[1]

/**
 * The logger of one request: the child with the request's id is made with its first line. Most requests log nothing,
 * and making a child whose bindings pass through the redaction costs more than many a handler.
 */
class RequestLogger implements FastifyBaseLogger {
  readonly #parent: Parent
  readonly #bindings: Bindings
  readonly #options: Options
  #made: FastifyBaseLogger | undefined

  constructor (parent: Parent, bindings: Bindings, options: Options) {
    this.#parent = parent
    this.#bindings = bindings
    this.#options = options
  }

  get #own (): FastifyBaseLogger {
    this.#made ??= this.#parent.child(this.#bindings, this.#options) as FastifyBaseLogger
    return this.#made
  }

  get level (): string { return this.#own.level }
  set level (level: string) { this.#own.level = level }

  fatal (...line: unknown[]): void { this.#own.fatal(...line as [string]) }
  error (...line: unknown[]): void { this.#own.error(...line as [string]) }
  warn (...line: unknown[]): void { this.#own.warn(...line as [string]) }
  info (...line: unknown[]): void { this.#own.info(...line as [string]) }
  debug (...line: unknown[]): void { this.#own.debug(...line as [string]) }
  trace (...line: unknown[]): void { this.#own.trace(...line as [string]) }
  silent (...line: unknown[]): void { this.#own.silent(...line as [string]) }
  child (bindings: Bindings, options?: Options): FastifyBaseLogger { return this.#own.child(bindings, options) as FastifyBaseLogger }
}

/** Fastify's `childLoggerFactory`. */
export function createRequestLogger (parent: Parent, bindings: Bindings, options: Options): FastifyBaseLogger {
  return new RequestLogger(parent, bindings, options)
}

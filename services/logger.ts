/** The part of a pino logger that services use; `app.log` is one. */
export interface Logger {
  error (fields: object, message: string): void
  warn (fields: object, message: string): void
  info (fields: object, message: string): void
  debug (fields: object, message: string): void
}

import { ConflictError, DomainError, InvalidInputError } from '../errors.ts'

/** No folder is configured, or it can't be used. Clients show the text. */
export class ExampleImagesUnavailableError extends InvalidInputError {
  constructor (message = 'No example images path configured', code = 'example-images-path-missing') { super(message, code) }
}

/** The client tests for `already in progress`; `status` is the snapshot of the run. */
export class DownloadInProgressError extends DomainError {
  constructor (status: unknown) { super('invalid', 'download-in-progress', 'Download already in progress', { status }) }
}

export class DownloadNotRunningError extends InvalidInputError {
  constructor () { super('No download in progress', 'download-not-running') }
}

/** The folder as a whole does not answer, or does not look like itself: the run ends, what is left is for the next one. */
export class ExampleFolderAwayError extends ConflictError {
  constructor (message: string) { super(message, 'example-images-away') }
}

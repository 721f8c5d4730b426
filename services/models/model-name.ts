/** Names that are made from the path of a model file. Paths are the user's spelling, with `/`. */
export interface ModelName {
  /** Directory without trailing slash. */
  directory: string
  /** File name without its last extension. */
  stem: string
  /** Last extension with the dot, lower-cased; "" when there is none. */
  extension: string
}

export function modelName (path: string): ModelName {
  const slash = path.lastIndexOf('/')
  const dot = path.lastIndexOf('.')
  const end = dot > slash + 1 ? dot : path.length
  return { directory: path.slice(0, Math.max(slash, 0)), stem: path.slice(slash + 1, end), extension: path.slice(end).toLowerCase() }
}

/** Forward slashes where the path is one of Windows; elsewhere a backslash is part of a name. */
export function forwardSlashes (path: string): string {
  return process.platform === 'win32' || /^(?:[A-Za-z]:\\|\\\\)/.test(path) ? path.replaceAll('\\', '/') : path
}

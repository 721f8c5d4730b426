/** Which paths exist at all, so that a wrong method is told from an unknown path. Asked only when the router found nothing. */
export interface KnownRoutes {
  add (method: string | readonly string[], pattern: string): void
  /** Methods of the routes that match the path. */
  methodsOf (path: string): string[]
}

export function createKnownRoutes (): KnownRoutes {
  const methods = new Map<string, Set<string>>()
  const expressions = new Map<string, RegExp>()

  return {
    add (method, pattern) {
      const known = methods.get(pattern) ?? new Set()
      for (const name of [method].flat()) known.add(name)
      methods.set(pattern, known)
    },
    methodsOf (path) {
      const found = new Set<string>()
      for (const [pattern, names] of methods) {
        // A catch-all says nothing about a path.
        if (pattern === '*' || pattern === '/*') continue
        const expression = expressions.get(pattern) ?? expressionOf(pattern)
        expressions.set(pattern, expression)
        if (expression.test(path)) for (const name of names) found.add(name)
      }
      return [...found].sort()
    }
  }
}

function expressionOf (pattern: string): RegExp {
  const source = pattern.split('/').map((segment) => {
    if (segment === '*') return '.*'
    return segment.startsWith(':') ? '[^/]+' : segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
  }).join('/')
  return new RegExp(`^${source}$`)
}

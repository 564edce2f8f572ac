import type { Hono } from 'hono'

/** For a path that no route of this method serves: the methods that some route does. Empty when nothing is there at all. */
export function createAllowedMethods(routes: Hono['routes']): (path: string) => readonly string[] {
  const patterns = routes
    // Middleware is mounted for all methods; it serves nothing.
    .filter(({ method, path }) => method !== 'ALL' && !path.includes('*'))
    .map(({ method, path }) => ({ method, shape: shapeOf(path) }))
  return (path) => {
    const methods = new Set(patterns.filter(({ shape }) => shape.test(path)).map(({ method }) => method))
    if (methods.has('GET')) methods.add('HEAD')
    return [...methods].toSorted()
  }
}

function shapeOf(path: string): RegExp {
  const parts = path
    .split('/')
    .map((part) =>
      part.startsWith(':') ? (/\{(.+)\}$/.exec(part)?.[1] ?? '[^/]+') : part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'),
    )
  return new RegExp(`^${parts.join('/')}$`)
}

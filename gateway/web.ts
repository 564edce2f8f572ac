import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import { getMimeType } from 'hono/utils/mime'
import { pageHeaders } from './pages.ts'
import type { Api } from './route.ts'

/** The built web app, as `npm run web` leaves it: read once, since it is small. */
export interface WebApp {
  readonly index: WebFile
  /** By path, such as `/assets/main-3f9a.js`. Their names change with what is in them. */
  readonly assets: ReadonlyMap<string, WebFile>
}

interface WebFile {
  readonly type: string
  readonly plain: Uint8Array<ArrayBuffer>
  readonly br: Uint8Array<ArrayBuffer> | undefined
  readonly gzip: Uint8Array<ArrayBuffer> | undefined
}

/** Where the app itself decides what to show. */
const appPaths = ['/', '/chat', '/chat/*', '/employees', '/employees/*', '/settings/*'] as const

/** null where it was not built. */
export function readWebApp(folder: string): WebApp | null {
  if (!existsSync(join(folder, 'index.html'))) return null
  const files = readdirSync(join(folder, 'assets'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !['.br', '.gz'].includes(extname(entry.name)))
    .map((entry) => join(entry.parentPath, entry.name))
  return {
    index: readWebFile(join(folder, 'index.html')),
    assets: new Map(files.map((file) => [`/${relative(folder, file).split(sep).join('/')}`, readWebFile(file)])),
  }
}

export function webRoutes(app: Api, { index, assets }: WebApp): void {
  for (const path of appPaths)
    app.get(path, (c) =>
      answer(index, c.req.header('accept-encoding'), { ...pageHeaders, 'cache-control': 'no-cache' }),
    )
  app.get('/assets/*', (c) => {
    const file = assets.get(c.req.path)
    if (file === undefined) return c.notFound()
    return answer(file, c.req.header('accept-encoding'), {
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
    })
  })
}

function answer(file: WebFile, accepts = '', headers: Readonly<Record<string, string>>): Response {
  const encoding = (['br', 'gzip'] as const).find((name) => file[name] !== undefined && accepts.includes(name))
  return new Response(encoding === undefined ? file.plain : file[encoding]!, {
    headers: {
      ...headers,
      'content-type': file.type,
      vary: 'accept-encoding',
      ...(encoding === undefined ? {} : { 'content-encoding': encoding }),
    },
  })
}

function readWebFile(path: string): WebFile {
  const compressed = (ending: string) => (existsSync(path + ending) ? readFileSync(path + ending) : undefined)
  return {
    type: getMimeType(path) ?? 'application/octet-stream',
    plain: readFileSync(path),
    br: compressed('.br'),
    gzip: compressed('.gz'),
  }
}

import { AdapterUnavailable } from '../adapter.ts'

export interface ServiceCall {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** JSON; nothing when left out. */
  readonly body?: string
  readonly withinMs: number
  /** Of what may be repeated: it is asked once more when no answer came, since it may have been done. */
  readonly isRepeatable?: boolean
}

export interface ServiceAnswer {
  readonly status: number
  /** Parsed JSON; undefined when it was none, or longer than any answer that makes sense. */
  readonly body: unknown
}

/** A service that does not answer within this is away: somebody waits for the call to begin, or to end. */
export const usualPatienceMs = 5_000

const mostBytes = 256 * 1024

/** Asks somebody else's service. Every status is an answer, but a redirect, which could lead anywhere; rejects with AdapterUnavailable when there is none. */
export async function callService(call: ServiceCall): Promise<ServiceAnswer> {
  if (call.isRepeatable !== true) return ask(call)
  return ask(call).catch(() => ask(call))
}

async function ask({ method, url, headers, body, withinMs }: ServiceCall): Promise<ServiceAnswer> {
  const sent = body === undefined ? {} : { body, headers: { 'content-type': 'application/json', ...headers } }
  try {
    const answer = await fetch(url, {
      method,
      ...(headers === undefined ? {} : { headers }),
      ...sent,
      redirect: 'manual',
      signal: AbortSignal.timeout(withinMs),
    })
    if (answer.status >= 300 && answer.status < 400) throw new Error(`it leads elsewhere (${answer.status})`)
    return { status: answer.status, body: await readJson(answer) }
  } catch (error) {
    throw new AdapterUnavailable(`${new URL(url).host} does not answer: ${reasonOf(error)}`, { cause: error })
  }
}

async function readJson(answer: Response): Promise<unknown> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of answer.body ?? []) {
    size += chunk.byteLength
    if (size > mostBytes) return undefined
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString())
  } catch {
    return undefined
  }
}

/** `fetch failed` says nothing: its cause does. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}

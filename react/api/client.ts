import { Failure, type FailureDetails } from './failure.ts'

export interface Credentials {
  /** A user token; asked for when one is needed, and once more where it was refused. Without it, the browser's cookie says who asks. */
  readonly getToken?: (() => Promise<string>) | undefined
}

export interface ClientOptions extends Credentials {
  /** '' for the address that the page came from. */
  readonly baseUrl?: string
  /** How long an answer may take, ms. */
  readonly timeoutMs?: number
  readonly fetch?: typeof fetch
}

export interface Request {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

export interface Client {
  /** The answer as JSON; undefined for one without a body. Throws Failure. */
  ask<Answer>(path: string, request?: Request): Promise<Answer>
  /** The answer as it comes, without a time limit; for streams and files. Throws Failure unless its status is 2xx. */
  open(path: string, request?: Request): Promise<Response>
}

const usualTimeoutMs = 15_000

/** Speaks to Tollgate's API in the name of one user. */
export function createClient({
  baseUrl = '',
  getToken,
  timeoutMs = usualTimeoutMs,
  fetch: send = globalThis.fetch.bind(globalThis),
}: ClientOptions): Client {
  let token: Promise<string> | undefined

  async function attempt(path: string, { method = 'GET', body, headers = {}, signal }: Request): Promise<Response> {
    const bearer = getToken === undefined ? undefined : await (token ??= getToken())
    return send(`${baseUrl}${path}`, {
      method,
      credentials: getToken === undefined ? 'include' : 'omit',
      headers: {
        ...headers,
        ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
  }

  async function open(path: string, request: Request = {}): Promise<Response> {
    let answer = await answerTo(attempt(path, request))
    if (answer.status === 401 && getToken !== undefined) {
      // It may have expired on the way: once more with a fresh one
      token = undefined
      answer = await answerTo(attempt(path, request))
    }
    if (answer.ok) return answer
    throw await failureOf(answer)
  }

  return {
    open,
    async ask<Answer>(path: string, request: Request = {}): Promise<Answer> {
      const limit = AbortSignal.timeout(timeoutMs)
      const signal = request.signal === undefined ? limit : AbortSignal.any([limit, request.signal])
      const answer = await open(path, { ...request, signal })
      if (answer.status === 204) return undefined as Answer
      try {
        return (await answer.json()) as Answer
      } catch (error) {
        if (limit.aborted) throw new Failure('offline', 'no answer came in time')
        throw new Failure('malformed', `the answer is no JSON: ${String(error)}`, { status: answer.status })
      }
    },
  }
}

async function answerTo(sent: Promise<Response>): Promise<Response> {
  try {
    return await sent
  } catch (error) {
    if (error instanceof Failure) throw error
    const isLate = error instanceof DOMException && error.name === 'TimeoutError'
    throw new Failure('offline', isLate ? 'no answer came in time' : 'the server does not answer')
  }
}

async function failureOf(answer: Response): Promise<Failure> {
  const { status } = answer
  try {
    const { error } = (await answer.json()) as { error: FailureDetails & { code: string; message: string } }
    return new Failure(error.code, error.message, { ...error, status })
  } catch {
    return new Failure('malformed', `the server answered ${status}`, { status })
  }
}

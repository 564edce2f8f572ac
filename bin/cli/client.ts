import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'

/** The admin API of a running gateway. */
export interface AdminClient {
  /** The answer of a route. Throws CliError for anything but success. */
  ask(method: string, path: string, request?: Request): Promise<unknown>
  /** The same through a user's eyes, by a token that lives for this command. */
  asUser(accountId: string, path: string): Promise<unknown>
}

interface Request {
  readonly body?: object
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly idempotencyKey?: string | undefined
}

/** Why a command fails, for the person who typed it: printed without a stack, with what to do. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

export interface Door {
  readonly url: string
  readonly adminKey: string
}

const devFacts = z.object({ gatewayUrl: z.url(), adminKey: z.string() })

/** Where the gateway is, and its admin key: TOLLGATE_URL and ADMIN_KEY, else the stack that `npm start` runs here. */
export function findDoor(environment: NodeJS.ProcessEnv): Door {
  const { TOLLGATE_URL: url = '', ADMIN_KEY: adminKey = '', DATA_DIR: dataDir = '' } = environment
  if (url !== '' && adminKey !== '') return { url: url.replace(/\/+$/, ''), adminKey }
  if (url !== '' || adminKey !== '')
    throw new CliError(
      'no_gateway',
      `${url === '' ? 'ADMIN_KEY is set and TOLLGATE_URL is not' : 'TOLLGATE_URL is set and ADMIN_KEY is not'}: set both, or neither for the stack that npm start runs here`,
    )
  const started = readStarted(join(resolve(dataDir === '' ? '.tollgate' : dataDir), 'dev.json'))
  if (started === null)
    throw new CliError(
      'no_gateway',
      'no stack runs here; set TOLLGATE_URL and ADMIN_KEY of the gateway that you mean, or start one with npm start',
    )
  return { url: started.gatewayUrl, adminKey: started.adminKey }
}

function readStarted(file: string): z.infer<typeof devFacts> | null {
  try {
    return devFacts.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return null
  }
}

const answerWithinMs = 30_000
const refusal = z.object({ error: z.object({ code: z.string(), message: z.string() }) })
const token = z.object({ token: z.string() })

export function createAdminClient({ url, adminKey }: Door): AdminClient {
  const ask = async (secret: string, method: string, path: string, request: Request = {}): Promise<unknown> => {
    const { body, query = {}, idempotencyKey } = request
    const asked = new URL(`${url}${path}`)
    for (const [name, value] of Object.entries(query)) if (value !== undefined) asked.searchParams.set(name, value)
    let response: Response
    try {
      response = await fetch(asked, {
        method,
        headers: {
          authorization: `Bearer ${secret}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(answerWithinMs),
      })
    } catch (error) {
      throw new CliError('gateway_away', `no gateway answers at ${url}: ${reasonOf(error)}`)
    }
    const answer: unknown = await response.json().catch(() => null)
    if (response.ok) return answer
    const refused = refusal.safeParse(answer)
    if (refused.success) throw new CliError(refused.data.error.code, refused.data.error.message)
    throw new CliError('not_tollgate', `${asked.href} answered ${response.status}, and not as Tollgate does`)
  }
  return {
    ask: (method, path, request) => ask(adminKey, method, path, request),
    async asUser(accountId, path) {
      const minted = token.parse(
        await ask(adminKey, 'POST', `${accountPath(accountId)}/tokens`, { body: { lifetimeSeconds: 30 } }),
      )
      return ask(minted.token, 'GET', path)
    },
  }
}

export function accountPath(accountId: string): string {
  return `/admin/v1/accounts/${encodeURIComponent(accountId)}`
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message
}

import { DrizzleQueryError } from 'drizzle-orm'

/** The database did not answer, or not in time: nothing is known, and the caller fails closed. Anything else that a journal throws is a bug. */
export class JournalUnavailable extends Error {
  override readonly name = 'JournalUnavailable'
}

/** The journal must not be opened by this program: `code` says why, the message what to do. */
export class JournalNotOpened extends Error {
  override readonly name = 'JournalNotOpened'
  readonly code: 'journal_newer' | 'journal_in_use'
  constructor(code: 'journal_newer' | 'journal_in_use', message: string) {
    super(message)
    this.code = code
  }
}

/**
 * SQLSTATE classes that a healthy program meets when its database is away, full, failing over or too slow: connection (08), read-only after a
 * failover (25), credentials (28), no such database yet (3D), rollback by deadlock or conflict (40), resources (53), state (55), cancelled by
 * a timeout or shutdown (57), system (58). The rest (data, constraints, syntax) is a mistake of ours.
 */
const outages = new Set(['08', '25', '28', '3D', '40', '53', '55', '57', '58'])

/** Runs `work`, and tells an absent database (JournalUnavailable) from a bug (the error itself). */
export async function unlessUnavailable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const cause = rootOf(error)
    throw isOutage(cause)
      ? new JournalUnavailable(`the journal does not answer: ${messageOf(cause)}`, { cause })
      : cause
  }
}

/** Without the values of the statement, which drizzle puts into the message and PGlite beside it: two thousand receipts in a log. */
function rootOf(error: unknown): unknown {
  if (!(error instanceof DrizzleQueryError && error.cause !== undefined)) return error
  if ('params' in error.cause) delete error.cause.params
  return error.cause
}

function isOutage(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof JournalNotOpened) return false
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (/^[0-9A-Z]{5}$/.test(code) && 'severity' in error) return outages.has(code.slice(0, 2))
  // Sockets fail with errno codes, the pool and PGlite with plain errors ("timeout exceeded when trying to connect", "PGlite is closed").
  return code !== '' || error.name === 'AggregateError' || Object.getPrototypeOf(error) === Error.prototype
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}

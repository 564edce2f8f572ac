import { hash } from 'node:crypto'
import { and, asc, desc, eq, gt, sql, type InferSelectModel } from 'drizzle-orm'
import type { Database } from './database.ts'
import { apiKeys } from './schema.ts'
import type { Statements } from './statements.ts'
import { storableText } from './storable-text.ts'

export interface ApiKey {
  readonly id: string
  readonly accountId: string
  readonly name: string
  /** SHA-256 of the secret, hex. */
  readonly secretHash: string
  /** The employees that it may be used for; null for all of the account. */
  readonly employees: readonly string[] | null
  /** Which `x-tollgate-…` headers it may send. */
  readonly mayName: MayName
  /** An employee that is named for the first time is created. */
  readonly createsEmployees: boolean
  readonly createdBy: string
  readonly createdAtMs: number
  readonly revokedBy: string | null
  readonly revokedAtMs: number | null
  /** Grows with every change of any key, in commit order. */
  readonly serial: number
}

export interface MayName {
  readonly employee: boolean
  readonly organization: boolean
  readonly message: boolean
  readonly purpose: boolean
}

export interface KeyRequest {
  readonly accountId: string
  readonly name: string
  readonly employees: readonly string[] | null
  readonly mayName: MayName
  readonly createsEmployees: boolean
  /** Who makes it. */
  readonly by: string
}

export interface NewKey {
  readonly key: ApiKey
  /** `tg_live_<id>_<256 random bits>`: shown once. */
  readonly secret: string
}

export interface KeyDeps {
  readonly clock: () => number
  readonly randomBytes: (size: number) => Buffer
}

/** How a secret is looked up. Plain SHA-256 will do: 256 random bits cannot be guessed, so there is nothing to slow down. */
export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'hex')
}

/** Whether it could be a secret of ours at all: what saves a question to the database. */
export function looksLikeSecret(text: string): boolean {
  return /^tg_live_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/.test(text)
}

/** See Journal.createKey. */
export async function createKey(
  database: Database,
  { clock, randomBytes }: KeyDeps,
  request: KeyRequest,
): Promise<NewKey> {
  const id = randomBytes(6).toString('hex')
  const secret = `tg_live_${id}_${randomBytes(32).toString('base64url')}`
  const { employee, organization, message, purpose } = request.mayName
  const stored = await changeKeys(database, async (statements, serial) => {
    const [inserted] = await statements
      .insert(apiKeys)
      .values({
        id,
        accountId: storableText(request.accountId),
        name: storableText(request.name),
        secretHash: hashSecret(secret),
        employees: request.employees === null ? null : request.employees.map(storableText),
        namesEmployee: employee,
        namesOrganization: organization,
        namesMessage: message,
        namesPurpose: purpose,
        createsEmployees: request.createsEmployees,
        createdBy: storableText(request.by),
        createdAtMs: clock(),
        serial,
      })
      .returning()
    return inserted!
  })
  return { key: toKey(stored), secret }
}

/** See Journal.findKey. */
export async function findKey(database: Database, secret: string): Promise<ApiKey | null> {
  if (!looksLikeSecret(secret)) return null
  const [stored] = await database.query((statements) =>
    statements
      .select()
      .from(apiKeys)
      .where(eq(apiKeys.secretHash, hashSecret(secret))),
  )
  return stored === undefined ? null : toKey(stored)
}

/** See Journal.revokeKey. */
export async function revokeKey(
  database: Database,
  { clock }: KeyDeps,
  accountId: string,
  id: string,
  by: string,
): Promise<ApiKey | null> {
  const wanted = and(eq(apiKeys.accountId, storableText(accountId)), eq(apiKeys.id, storableText(id)))
  return changeKeys(database, async (statements, serial) => {
    const [stored] = await statements.select().from(apiKeys).where(wanted)
    if (stored === undefined || stored.revokedAtMs !== null) return stored === undefined ? null : toKey(stored)
    const [revoked] = await statements
      .update(apiKeys)
      .set({ revokedAtMs: clock(), revokedBy: storableText(by), serial })
      .where(wanted)
      .returning()
    return toKey(revoked!)
  })
}

/** See Journal.listKeys. */
export async function listKeys(database: Database, accountId: string): Promise<readonly ApiKey[]> {
  const stored = await database.query((statements) =>
    statements
      .select()
      .from(apiKeys)
      .where(eq(apiKeys.accountId, storableText(accountId)))
      .orderBy(desc(apiKeys.createdAtMs), desc(apiKeys.id))
      .limit(500),
  )
  return stored.map(toKey)
}

/** See Journal.keysChangedSince. */
export async function keysChangedSince(database: Database, serial: number): Promise<readonly ApiKey[]> {
  const stored = await database.query((statements) =>
    statements.select().from(apiKeys).where(gt(apiKeys.serial, serial)).orderBy(asc(apiKeys.serial)).limit(1_000),
  )
  return stored.map(toKey)
}

/** See Journal.latestKeySerial. */
export function latestKeySerial(database: Database): Promise<number> {
  return database.query(newestSerial)
}

/** One writer of keys at a time: a sequence would let a poll see serial 8 before 7 is committed, and then miss a revocation for ever. */
function changeKeys<T>(database: Database, change: (statements: Statements, serial: number) => Promise<T>): Promise<T> {
  return database.transaction('change', async (statements) => {
    await statements.execute(sql`lock table ${apiKeys} in share row exclusive mode`)
    return change(statements, (await newestSerial(statements)) + 1)
  })
}

async function newestSerial(statements: Statements): Promise<number> {
  const [newest] = await statements
    .select({ serial: apiKeys.serial })
    .from(apiKeys)
    .orderBy(desc(apiKeys.serial))
    .limit(1)
  return newest?.serial ?? 0
}

function toKey(stored: InferSelectModel<typeof apiKeys>): ApiKey {
  const { namesEmployee, namesOrganization, namesMessage, namesPurpose, ...key } = stored
  return {
    ...key,
    mayName: { employee: namesEmployee, organization: namesOrganization, message: namesMessage, purpose: namesPurpose },
  }
}

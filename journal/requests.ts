import { createHash } from 'node:crypto'
import { and, eq } from 'drizzle-orm'
import type { ChargeId } from '../credits/charge-id.ts'
import type { Database } from './database.ts'
import { idempotencyKeys } from './schema.ts'
import { storableText } from './storable-text.ts'

/** What a caller's idempotency key stands for. */
export interface RequestRecord {
  readonly accountId: string
  readonly idempotencyKey: string
  readonly chargeId: ChargeId
  /** Of the body, so that the same key with another body is a conflict. */
  readonly requestHash: string
}

/** See Journal.rememberRequest. */
export async function rememberRequest(
  database: Database,
  clock: () => number,
  request: RequestRecord,
): Promise<RequestRecord> {
  await database.query((statements) =>
    statements
      .insert(idempotencyKeys)
      .values({
        accountId: storableText(request.accountId),
        keyHash: hash(request.idempotencyKey),
        chargeId: request.chargeId,
        requestHash: request.requestHash,
        createdAtMs: clock(),
      })
      .onConflictDoNothing(),
  )
  return (await findRequest(database, request.accountId, request.idempotencyKey)) ?? request
}

/** See Journal.findRequest. */
export async function findRequest(
  database: Database,
  accountId: string,
  idempotencyKey: string,
): Promise<RequestRecord | null> {
  const [stored] = await database.query((statements) =>
    statements
      .select({ chargeId: idempotencyKeys.chargeId, requestHash: idempotencyKeys.requestHash })
      .from(idempotencyKeys)
      .where(
        and(eq(idempotencyKeys.accountId, storableText(accountId)), eq(idempotencyKeys.keyHash, hash(idempotencyKey))),
      ),
  )
  return stored === undefined ? null : { accountId, idempotencyKey, ...stored }
}

function hash(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

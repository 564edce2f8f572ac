import { MockActivityEnvironment } from '@temporalio/testing'
import { DefaultLogger } from '@temporalio/worker'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { LedgerUnavailable, type Ledger } from '../../ledger/ledger.ts'
import { type Accounts, createAccounts, TemporalUnavailable } from '../../middleware/accounts.ts'
import { systemClock } from '../../middleware/clock.ts'
import { createMails } from '../stack/mails.ts'
import { until } from '../stack/until.ts'
import { catalogue, credits } from './catalogue.ts'
import { type LedgerStand, openLedgerStand, spend } from './ledger-stand.ts'
import { newAccountId, openStand, signUpOf, type Stand } from './stand.ts'

const crossings = 50
let stand: Stand
let parts: LedgerStand
let accounts: Accounts
const mails = createMails()

beforeAll(async () => {
  ;[stand, parts] = await Promise.all([openStand(), openLedgerStand()])
  const mailing = { ...catalogue, policies: { ...catalogue.policies, alertMail: true } }
  accounts = createAccounts({ client: stand.client, taskQueue: stand.taskQueue, catalogue: mailing })
  const { putTerms, mailAlert } = parts.activities(accounts, { mailer: mails.mailer })
  const attempts = new Map<string, number>()
  await stand.startWorker({
    putTerms,
    // It dies once before the mail is sent, and once after, before anybody hears of it.
    mailAlert: async (alert) => {
      const attempt = (attempts.get(alert.id) ?? 0) + 1
      attempts.set(alert.id, attempt)
      if (attempt > 1) await mailAlert(alert)
      if (attempt < 3) throw new Error('the worker dies')
    },
  })
})
afterAll(async () => {
  await stand.close()
  await parts.close()
})

test(
  `${crossings} accounts fall through all thresholds while whoever reports and mails it dies: each is alerted once`,
  { timeout: 120_000 },
  async () => {
    const ids = Array.from({ length: crossings }, () => newAccountId())
    const { loader } = parts.live(accounts)
    await Promise.all(
      ids.map(async (accountId) => {
        await accounts.signUp(signUpOf(accountId))
        await loader.load(accountId)
        await spend(parts.ledger, accountId, credits(1000))
      }),
    )

    // Reported by workers of which each dies for some accounts: before the workflow has the rows, after it, and before the ledger knows.
    let calls = 0
    const everyFourth = (): boolean => (calls += 1) % 4 === 0
    const ledger: Ledger = {
      ...parts.ledger,
      pending: (shards, limits) => parts.ledger.pending(shards, { ...limits, dirtyOlderThanMs: 0 }),
      ackRows: async (...args) => {
        if (everyFourth()) throw new LedgerUnavailable('the worker dies')
        return parts.ledger.ackRows(...args)
      },
    }
    const dying: Accounts = {
      ...accounts,
      reconcile: async (accountId, report) => {
        if (everyFourth()) throw new TemporalUnavailable('the worker dies')
        const answer = await accounts.reconcile(accountId, report)
        if (everyFourth()) throw new TemporalUnavailable('the worker dies')
        return answer
      },
    }
    const clock = { ...systemClock, sleep: async () => undefined }
    const environment = () => new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') })
    await until(async () => {
      // A new worker each time: it remembers nothing of the one before.
      const { reconcileAccounts } = parts.activities(dying, { ledger, clock })
      await environment().run(reconcileAccounts, { from: 0, to: 255, roundMs: 1 })
      const pending = await ledger.pending(
        Array.from({ length: 256 }, (_, shard) => shard),
        { dirtyOlderThanMs: 0, perShard: 100 },
      )
      return pending.every(({ dirty }) => dirty.length === 0)
    }, 60_000)

    const of = (accountId: string) => mails.sent.filter(({ id }) => id === `alert-${accountId}-1-0`)
    await until(async () => ids.every((accountId) => of(accountId).length === 2), 60_000)
    for (const accountId of ids) {
      const answer = await accounts.view(accountId)
      if (!answer.ok) throw new Error(answer.code)
      expect(answer.view.alerts.map(({ id }) => id).toSorted()).toEqual(['1-0', '1-15', '1-25'])
    }
    // Sent twice, by the death after sending, and known as one by its id; about nothing but the worst.
    expect(new Set(mails.sent.map(({ id }) => id)).size).toBe(crossings)
  },
)

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RowsReport } from '../../credits/account/messages.ts'
import { accountWorkflowId } from '../../credits/account/messages.ts'
import type { Terms } from '../../credits/terms.ts'
import { zero } from '../../credits/money.ts'
import { TemporalUnavailable } from '../../middleware/accounts.ts'
import { row, rowOf } from '../account/given.ts'
import { credits } from './catalogue.ts'
import { newAccountId, openStand, signUpOf, type Stand } from './stand.ts'
import { until } from '../stack/until.ts'

const perRun = 5
let stand: Stand
const put = new Map<string, Terms>()

beforeAll(async () => {
  stand = await openStand({ updatesPerRun: perRun })
  await stand.startWorker({ putTerms: async (accountId, terms) => void put.set(accountId, terms) })
})
afterAll(() => stand.close())

const pack = (id: string, amount = credits(100)) =>
  ({ id, source: 'pack', amount, resets: true, detail: '', by: 'test' }) as const
const rowsReport = (seq: number, spent: number): RowsReport => ({
  lineage: 1,
  seq,
  termsVersion: 1,
  held: zero,
  epochs: [{ epoch: 1, rows: { [rowOf('app')]: row(credits(spent)) } }],
})
const runsOf = async (accountId: string) => {
  const runs = new Set<string>()
  for await (const run of stand.client.workflow.list({ query: `WorkflowId = '${accountWorkflowId(accountId)}'` }))
    runs.add(run.runId)
  return runs.size
}

describe('signing up', () => {
  test('twice at once gives one welcome bonus', async () => {
    const accountId = newAccountId()
    const answers = await Promise.all([1, 2, 3].map(() => stand.accounts.signUp(signUpOf(accountId))))
    expect(answers.map((answer) => answer.ok && answer.terms.granted)).toEqual([
      credits(1000),
      credits(1000),
      credits(1000),
    ])
    expect(answers.filter((answer) => answer.ok && answer.created)).toHaveLength(1)
  })

  test('under a taken id with another e-mail address is refused', async () => {
    const accountId = newAccountId()
    await stand.accounts.signUp(signUpOf(accountId))
    expect(await stand.accounts.signUp({ ...signUpOf(accountId), email: 'eve@example.com' })).toMatchObject({
      ok: false,
      code: 'account_conflict',
    })
  })

  test('that is refused leaves no account, and the next one succeeds', async () => {
    const accountId = newAccountId()
    expect(await stand.accounts.signUp({ ...signUpOf(accountId), timeZone: 'Mars/Olympus' })).toMatchObject({
      code: 'time_zone_unknown',
    })
    expect(await stand.accounts.grant(accountId, pack('p'))).toMatchObject({ ok: false, code: 'account_unknown' })
    expect(await stand.accounts.view(accountId)).toMatchObject({ ok: false, code: 'account_unknown' })
    expect(await stand.accounts.signUp(signUpOf(accountId))).toMatchObject({ ok: true, created: true })
  })

  test('that was refused and never repeated ends its workflow', async () => {
    const accountId = newAccountId()
    await stand.accounts.signUp({ ...signUpOf(accountId), timeZone: 'Mars/Olympus' })
    const handle = stand.client.workflow.getHandle(accountWorkflowId(accountId))
    await until(async () => (await handle.describe()).status.name === 'COMPLETED', 20_000)
    expect(await stand.accounts.grant(accountId, pack('p'))).toMatchObject({ ok: false, code: 'account_unknown' })
    expect(await stand.accounts.signUp(signUpOf(accountId))).toMatchObject({ ok: true, created: true })
  })
})

describe('an account', () => {
  test('that nobody opened is unknown to every command', async () => {
    const accountId = newAccountId()
    const { accounts } = stand
    const employee = {
      id: 'bo',
      name: 'Bo',
      organization: '',
      tier: '',
      model: '',
      archived: false,
      mode: 'save',
    } as const
    const answers = await Promise.all([
      accounts.grant(accountId, pack('p')),
      accounts.setPlan(accountId, { plan: 'pro', by: 'op' }),
      accounts.saveEmployee(accountId, employee),
      accounts.view(accountId),
      accounts.reconcile(accountId, rowsReport(1, 1)),
      accounts.nextLineage(accountId),
      accounts.closeEpoch(accountId, { epoch: 1, rows: {} }),
    ])
    for (const answer of answers) expect(answer).toMatchObject({ ok: false, code: 'account_unknown' })
  })

  test('grants once per id and refuses another amount under it', async () => {
    const accountId = newAccountId()
    await stand.accounts.signUp(signUpOf(accountId))
    const answers = await Promise.all([1, 2, 3].map(() => stand.accounts.grant(accountId, pack('p1'))))
    for (const answer of answers) expect(answer).toMatchObject({ ok: true, terms: { granted: credits(1100) } })
    expect(await stand.accounts.grant(accountId, pack('p1', credits(200)))).toMatchObject({
      ok: false,
      code: 'grant_conflict',
    })
  })

  test('refuses a plan that the catalogue does not have', async () => {
    const accountId = newAccountId()
    await stand.accounts.signUp(signUpOf(accountId))
    expect(await stand.accounts.setPlan(accountId, { plan: 'gold', by: 'op' })).toMatchObject({
      ok: false,
      code: 'plan_unknown',
    })
    expect(await stand.accounts.setPlan(accountId, { plan: 'pro', by: 'op' })).toMatchObject({
      ok: true,
      terms: { granted: credits(11_000) },
    })
  })

  test('brings its terms to the ledger by itself, the newest last', async () => {
    const accountId = newAccountId()
    await stand.accounts.signUp(signUpOf(accountId))
    await stand.accounts.grant(accountId, pack('p1'))
    expect(await until(async () => put.get(accountId)?.version === 2 && put.get(accountId))).toMatchObject({
      granted: credits(1100),
    })
  })

  test('takes rows that are repeated, late and out of order once', async () => {
    const accountId = newAccountId()
    await stand.accounts.signUp(signUpOf(accountId))
    expect(await stand.accounts.nextLineage(accountId)).toMatchObject({ ok: true, lineage: 1 })
    await Promise.all([3, 1, 2, 3, 3, 1].map((seq) => stand.accounts.reconcile(accountId, rowsReport(seq, seq * 10))))
    expect(await stand.accounts.view(accountId)).toMatchObject({ view: { seq: 3, periods: [{ spent: credits(30) }] } })
  })

  test('keeps all that it knows when one run hands over to the next', async () => {
    const accountId = newAccountId()
    await stand.accounts.signUp(signUpOf(accountId))
    await stand.accounts.nextLineage(accountId)
    await stand.accounts.reconcile(accountId, rowsReport(2, 800))
    for (let index = 0; index < 3 * perRun; index += 1) {
      expect(await stand.accounts.grant(accountId, pack(`p${index}`, credits(1)))).toMatchObject({ ok: true })
    }
    // Ids, marks and alerts of the first run still count in the fourth.
    expect(await stand.accounts.grant(accountId, pack('p0', credits(2)))).toMatchObject({
      ok: false,
      code: 'grant_conflict',
    })
    expect(await stand.accounts.reconcile(accountId, rowsReport(2, 800))).toMatchObject({
      status: 'behind',
      sameRows: true,
    })
    expect(await stand.accounts.view(accountId)).toMatchObject({
      view: {
        lineage: 1,
        seq: 2,
        terms: { granted: credits(1015) },
        alerts: [{ threshold: 25 }],
        periods: [{ spent: credits(800) }],
      },
    })
    expect(await until(async () => (await runsOf(accountId)) >= 3 && runsOf(accountId))).toBeGreaterThanOrEqual(3)
  })
})

test(
  'commands that meet a run while it hands over to the next are answered all the same',
  { timeout: 60_000 },
  async () => {
    const accountId = newAccountId()
    await stand.accounts.signUp(signUpOf(accountId))
    const lanes = Array.from({ length: 6 }, async (_, lane) => {
      for (let index = 0; index < 8; index += 1) {
        expect(await stand.accounts.grant(accountId, pack(`p${lane}-${index}`, credits(1)))).toMatchObject({ ok: true })
      }
    })
    await Promise.all(lanes)
    expect(await stand.accounts.view(accountId)).toMatchObject({ view: { terms: { granted: credits(1048) } } })
  },
)

test('without a Temporal that answers, commands fail in time and say so', async () => {
  const idle = await openStand({ deadlineMs: 500 })
  try {
    const startedMs = Date.now()
    // No worker takes the update: to a client that is the same as a server that is away.
    await expect(idle.accounts.signUp(signUpOf(newAccountId()))).rejects.toBeInstanceOf(TemporalUnavailable)
    expect(Date.now() - startedMs).toBeLessThan(3000)
  } finally {
    await idle.close()
  }
})

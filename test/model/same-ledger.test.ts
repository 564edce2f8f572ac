import { expect, test } from 'vitest'
import { chargeId } from '../../credits/charge-id.ts'
import { toMicro } from '../../credits/money.ts'
import { noQuantities, rowKey } from '../../credits/usage-row.ts'
import { shardOf } from '../../ledger/keys.ts'
import type { Evidence as RealEvidence } from '../../ledger/ledger.ts'
import { detailOf, row, termsOf } from '../ledger/given.ts'
import { createModelLedger } from '../ledger/model-ledger.ts'
import { ackReceipts, receipts } from './ledger/receipts.ts'
import { ackRows } from './ledger/ack-rows.ts'
import { availableOf as availableOfPure } from '../../credits/balance.ts'
import { availableOf } from './ledger/balance.ts'
import { charge } from './ledger/charge.ts'
import { closeEpoch } from './ledger/close-epoch.ts'
import { correct } from './ledger/correct.ts'
import { evict } from './ledger/evict.ts'
import { expire } from './ledger/expire.ts'
import { extend } from './ledger/extend.ts'
import type { Evidence } from './ledger/gate.ts'
import { hydrate, lock } from './ledger/hydrate.ts'
import { putTerms } from './ledger/put-terms.ts'
import { release } from './ledger/release.ts'
import { repair } from './ledger/repair.ts'
import { reserve } from './ledger/reserve.ts'
import { settle } from './ledger/settle.ts'
import { settleTogether } from './ledger/settle-together.ts'
import { emptyState, type Ledger, type Terms } from './ledger/state.ts'
import { createJournal } from './journal.ts'
import { createRandom, type Random } from './random.ts'
import { rulesWithout } from './rules.ts'

const accountId = 'ann'
const key = rowKey(row)
const startMs = Date.UTC(2026, 0, 5)
const times = { tombstoneMs: 60_000, slackMs: 6_000, quarantineMs: 20_000 }

test('the ledger of the model answers as the pure ledger, which is held against the real scripts', async () => {
  expect.hasAssertions()
  for (let seed = 1; seed <= 80; seed += 1) await inLockstep(createRandom(seed), seed)
})

async function inLockstep(random: Random, seed: number): Promise<void> {
  let now = startMs
  const pure = createModelLedger({ depletedBelow: toMicro(1), ...times }, () => now)
  const ours: Ledger = { rules: rulesWithout(), ...times, nowMs: () => now, state: emptyState() }
  const journal = createJournal(ours.rules, ours.nowMs)
  const names: { accountId: string; id: string; birthMs: number }[] = []
  let terms: Terms = { version: 1, epoch: 1, granted: 120, used: 0, free: 0, earlier: [], expiring: [], limits: {} }
  let lineage = 0

  const name = () => {
    if (names.length > 0 && random.chance(0.7)) return random.pick(names.slice(-6))
    const birthMs = now + random.pick([0, 0, 0, -8_000, -120_000, 4_000, 15_000])
    const one = { accountId, id: chargeId(birthMs, `k${names.length}`), birthMs }
    names.push(one)
    return one
  }
  /** Both answers, as far as both ledgers have a word for it. */
  const same = (what: string, a: { status: string }, b: { status: string }): void => {
    expect({ seed, what, answer: spoken(a) }).toEqual({ seed, what, answer: spoken(b) })
  }
  const evidenceFor = (answer: { status: string }, one: { accountId: string; id: string; birthMs: number }) => {
    if (answer.status !== 'ask_journal') return undefined
    const { lineage: of, nowMs } = answer as unknown as { lineage: number; nowMs: number }
    const found = journal.find(one)
    if (random.chance(0.2)) now += 40_000
    const ofOurs: Evidence = { lineage: of, nowMs, found }
    const ofPure: RealEvidence = {
      lineage: of,
      nowMs,
      found:
        found === null || found.kind === 'forgotten'
          ? null
          : {
              ...found,
              kind: found.kind,
              charged: toMicro(found.charged),
              uncollected: toMicro(found.uncollected),
              quantities: { ...noQuantities, units: found.units },
            },
    }
    return { ofOurs, ofPure }
  }
  const realTerms = () => termsOf({ ...termsForPure(terms) })
  const work = (one: { id: string }, actual: number) => ({
    accountId,
    id: one.id,
    actual: toMicro(actual),
    row,
    quantities: { ...noQuantities, units: 1 },
    levels: [],
    detail: detailOf(now),
  })

  const operations: (() => Promise<void>)[] = [
    async () => {
      const one = name()
      const amount = random.between(1, 40)
      const minimum = random.between(0, amount)
      const beside = random.pick([0, 0, 0, 15])
      const run = (evidence?: ReturnType<typeof evidenceFor>) =>
        Promise.all([
          Promise.resolve(
            reserve(ours, { ...one, amount, minimum, beside, ttlMs: 15_000, row: key, levels: [] }, evidence?.ofOurs),
          ),
          pure.reserve(
            {
              accountId,
              id: one.id,
              amount: toMicro(amount),
              minimum: toMicro(minimum),
              beside: toMicro(beside),
              ttlMs: 15_000,
              row,
              levels: [],
            },
            evidence?.ofPure,
          ),
        ])
      const [a, b] = await run()
      if (b.status === 'exists_with_different_amount') return
      same('reserve', a, b)
      const evidence = evidenceFor(a, one)
      if (evidence !== undefined) same('reserve', ...(await run(evidence)))
    },
    async () => {
      const one = name()
      const request = { accrued: random.between(0, 40), more: random.between(0, 20), ttlMs: 15_000 }
      const b = await pure.extend({
        accountId,
        id: one.id,
        ...request,
        accrued: toMicro(request.accrued),
        more: toMicro(request.more),
      })
      same('extend', extend(ours, { ...one, ...request }), b)
    },
    async () => {
      const one = name()
      const actual = random.between(0, 50)
      const began = random.chance(0.4) ? { epoch: random.between(1, 3), windows: [] } : undefined
      const request = { ...one, actual, row: key, levels: [], ...(began === undefined ? {} : { began }) }
      const run = (evidence?: ReturnType<typeof evidenceFor>) =>
        Promise.all([
          Promise.resolve(settle(ours, request, evidence?.ofOurs)),
          pure.settle({ ...work(one, actual), ...(began === undefined ? {} : { began }) }, evidence?.ofPure),
        ])
      const [a, b] = await run()
      same('settle', a, b)
      const evidence = evidenceFor(a, one)
      if (evidence !== undefined) same('settle', ...(await run(evidence)))
    },
    async () => {
      const hold = name()
      const keeps = random.pick([undefined, undefined, 0, 5])
      const called = new Map(Array.from({ length: random.between(0, 4) }, () => name()).map((one) => [one.id, one]))
      called.delete(hold.id)
      const calls = [...called.values()].map((one) => ({
        ...one,
        actual: random.between(0, 40),
        part: random.between(0, 30),
      }))
      const a = settleTogether(ours, { hold, keeps, calls: calls.map((one) => ({ ...one, row: key })) })
      const b = await pure.settleTogether({
        accountId,
        hold: hold.id,
        keeps: keeps === undefined ? undefined : toMicro(keeps),
        calls: calls.map((one) => ({ ...work(one, one.actual), id: one.id, part: toMicro(one.part) })),
      })
      same('settleTogether', a, b)
      if (a.status !== 'settled' || b.status !== 'settled') return
      for (const [index, one] of a.calls.entries()) same(`settleTogether call ${index}`, one, b.calls[index]!)
    },
    async () => {
      const one = name()
      const actual = random.between(0, 30)
      const accepted = random.chance(0.3)
      const run = (evidence?: ReturnType<typeof evidenceFor>) =>
        Promise.all([
          Promise.resolve(charge(ours, { ...one, actual, row: key, levels: [], accepted }, evidence?.ofOurs)),
          pure.charge({ ...work(one, actual), accepted }, evidence?.ofPure),
        ])
      const [a, b] = await run()
      if (b.status === 'exists_with_different_amount') return
      same('charge', a, b)
      const evidence = evidenceFor(a, one)
      if (evidence === undefined) return
      const [again, pureAgain] = await run(evidence)
      if (pureAgain.status !== 'exists_with_different_amount') same('charge', again, pureAgain)
    },
    async () => {
      const one = name()
      same('release', release(ours, one), await pure.release({ accountId, id: one.id }))
    },
    async () => {
      const one = name()
      same('expire', expire(ours, one), await pure.expire({ accountId, id: one.id }))
    },
    async () => {
      now += random.pick([500, 5_000, 16_000, 30_000, 65_000])
    },
    async () => {
      const [head, pureHead] = [receipts(ours, 5, 0), await pure.receipts(shardOf(accountId), 5)]
      const told = (one: {
        receipt: { id: string; kind: string; charged: number; uncollected: number; epoch: number; n: number }
      }) => {
        const { id, kind, charged, uncollected, epoch, n } = one.receipt
        return { id, kind, charged, uncollected, epoch, n }
      }
      expect(head.map(told)).toEqual(pureHead.map(told))
      journal.store(head.map((entry) => entry.receipt))
      expect(ackReceipts(ours, head)).toBe(await pure.ackReceipts(shardOf(accountId), pureHead))
    },
    async () => {
      const held = ours.state.accounts.get(accountId)
      if (held === undefined) return
      const epoch = terms.epoch + (random.chance(0.3) ? 1 : 0)
      const earlier = held.earlier.concat(epoch > held.current.epoch ? [held.current] : [])
      terms = {
        ...terms,
        version: terms.version + random.pick([1, 1, 0]),
        epoch,
        granted: terms.granted + random.between(0, 40),
        used: terms.used + random.between(0, 5),
        // One that is not named was closed: a rollback has brought it back
        earlier: earlier
          .filter(() => random.chance(0.8))
          .map((book) => ({
            epoch: book.epoch,
            free: random.between(0, 60),
            counted: Math.max(0, book.spent - random.pick([0, 0, 3])),
          })),
      }
      same('putTerms', putTerms(ours, accountId, terms), await pure.putTerms(accountId, realTerms()))
    },
    async () => {
      const account = ours.state.accounts.get(accountId)
      if (account === undefined) return
      ackRows(ours, accountId, account)
      await pure.ackRows(accountId, account.lineage, account.seq)
      const epoch = random.between(1, terms.epoch)
      same(
        'closeEpoch',
        closeEpoch(ours, accountId, { lineage: account.lineage, epoch }),
        await pure.closeEpoch(accountId, account.lineage, epoch),
      )
    },
    async () => {
      const account = ours.state.accounts.get(accountId)
      if (account === undefined) return
      const lives = { from: account.lineage - random.pick([0, 0, 1]), to: lineage + 1 }
      const a = repair(ours, accountId, lives)
      same('repair', a, await pure.repair(accountId, lives))
      if (a.status === 'repaired') lineage += 1
    },
    async () => {
      const account = ours.state.accounts.get(accountId)
      if (account === undefined) return
      const add = random.between(-3, 6)
      const read = {
        accountId,
        lineage: account.lineage,
        corrections: account.corrections - random.pick([0, 0, 1]),
        seq: account.seq,
      }
      const epoch = account.current.epoch
      const a = correct(ours, {
        ...read,
        rows: [{ epoch, row: key, add: { charged: add, uncollected: 0, units: 0 } }],
        windows: [],
      })
      const rows = [{ epoch, row: key, add: { ...noQuantities, charged: add, uncollected: 0 } }]
      same('correct', a, await pure.correct({ ...read, rows, windows: [] }))
    },
    async () => {
      const account = ours.state.accounts.get(accountId)
      const read = { lineage: account?.lineage ?? 0, version: account?.version ?? 0 }
      same('evict', evict(ours, accountId, read), await pure.evict(accountId, read))
    },
  ]

  for (let step = 0; step < 60; step += 1) {
    if (random.chance(0.01)) {
      ours.state = emptyState()
      pure.lose()
    }
    if (!ours.state.accounts.has(accountId)) await load()
    await random.pick(operations)()
    await compare(step)
  }

  async function load(): Promise<void> {
    lineage += 1
    const token = `token ${lineage}`
    expect(lock(ours, accountId, token)).toBe(await pure.lock(accountId, token, 60_000))
    const epochs = [terms.epoch, ...terms.earlier.map((one) => one.epoch)]
    const totals = journal.totals(accountId, epochs)
    const held = random.pick([0, 0, 7])
    const { latestBirthMs, nowMs: journalNowMs } = totals
    const birth = { latestBirthMs, journalNowMs }
    const hydration = { accountId, token, lineage, terms, epochs: totals.epochs, windows: {}, held, ...birth }
    const rows = epochs.map((epoch) => ({
      epoch,
      rows: Object.fromEntries(
        Object.entries(totals.epochs[epoch] ?? {}).map(([each, { charged, uncollected, units }]) => [
          each,
          { ...noQuantities, charged: toMicro(charged), uncollected: toMicro(uncollected), units },
        ]),
      ),
    }))
    const b = await pure.hydrate({
      accountId,
      token,
      lineage,
      terms: realTerms(),
      epochs: rows,
      budgets: [],
      held: toMicro(held),
      newestBirthMs: latestBirthMs,
      // In this test the journal's clock is the ledger's
      journalNowMs: 0,
    })
    same('hydrate', hydrate(ours, hydration), b)
  }

  async function compare(step: number): Promise<void> {
    const account = ours.state.accounts.get(accountId)
    const other = await pure.snapshot(accountId)
    expect(other.status === 'loaded').toBe(account !== undefined)
    if (account === undefined || other.status !== 'loaded') return
    const { seq, n, drained, acked, corrections, version } = account
    const theirs = {
      seq: other.seq,
      n: other.n,
      drained: other.drained,
      acked: other.acked,
      corrections: other.corrections,
      version: other.version,
    }
    expect({ seed, step, seq, n, drained, acked, corrections, version }).toEqual({ seed, step, ...theirs })
    const book = ({ epoch, spent, held }: { epoch: number; spent: number; held: number }) => ({ epoch, spent, held })
    expect([...account.earlier, account.current].map(book)).toEqual([...other.earlier, other].map(book))
    const raw = availableOf(ours, account)
    expect({ seed, step, raw }).toEqual({ seed, step, raw: availableOfPure(other) })
  }
}

/** What both know: the word, and the amounts that go with it. */
function spoken(answer: { status: string }) {
  const { status, held, charged, uncollected, epoch } = answer as Record<string, unknown>
  const refused = ['credits_depleted', 'insufficient_credits', 'insufficient', 'refused']
  if (refused.includes(String(status))) return { status: 'refused' }
  if (status === 'already_charged' || status === 'expired' || status === 'other_lineage') return { status }
  if (status === 'settled' || status === 'exists') return { status, charged, uncollected, held }
  return { status, held, epoch: status === 'created' ? epoch : undefined }
}

function termsForPure({ version, epoch, granted, used, earlier }: Terms) {
  return {
    version,
    epoch,
    granted: toMicro(granted),
    used: toMicro(used),
    earlier: earlier.map((one) => ({ epoch: one.epoch, free: toMicro(one.free), counted: toMicro(one.counted) })),
  }
}

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { toMicro } from '../../credits/money.ts'
import { noQuantities, type UsageRow } from '../../credits/usage-row.ts'
import {
  type Evidence,
  type Ledger,
  LedgerUnavailable,
  type ReserveAnswer,
  type ReserveRequest,
  type SettleAnswer,
  type SettleRequest,
} from '../../ledger/ledger.ts'
import { createGate, type GateDeps } from '../../middleware/gate.ts'
import { createOutbox, type Outbox, type OutboxEvent } from '../../middleware/outbox/outbox.ts'
import { openStore } from '../../middleware/outbox/store.ts'

const row: UsageRow = { category: 'ai_usage', tier: '', model: 'm', item: '', employee: '', organization: '' }
const request: ReserveRequest = {
  accountId: 'a',
  id: '000000001.k',
  amount: toMicro(100),
  minimum: toMicro(50),
  ttlMs: 1_000,
  row,
  levels: [],
}
const work = { actual: toMicro(7), row, quantities: noQuantities, detail: {} as never }
const created = { status: 'created', held: toMicro(100), epoch: 3, windows: [] } as unknown as ReserveAnswer
const settled: SettleAnswer = { status: 'settled', charged: toMicro(7), uncollected: toMicro(0), epoch: 3 }
const ask = { status: 'ask_journal', lineage: 4, nowMs: 9 } as const
const down = (): never => {
  throw new LedgerUnavailable('away')
}
/** Time that passes when somebody sleeps. */
const patientClock = {
  now: () => 0,
  sleep: () => new Promise<void>((resolve) => setImmediate(resolve)),
  every: () => () => undefined,
}

const folder = mkdtempSync(join(tmpdir(), 'tollgate-gate-'))
const outboxes: Outbox[] = []
afterAll(async () => {
  for (const outbox of outboxes) await outbox.close(0)
  rmSync(folder, { recursive: true })
})

/** A gate before a ledger that answers from two lists, one answer per attempt; the last one goes on for ever. */
async function gateBefore({
  reserves = [() => created],
  settles = [() => settled],
  ...change
}: {
  readonly reserves?: readonly ((evidence?: Evidence) => ReserveAnswer)[]
  readonly settles?: readonly ((evidence?: Evidence) => SettleAnswer)[]
} & Partial<GateDeps> = {}) {
  const heard = {
    reserve: 0,
    settle: [] as SettleRequest[],
    release: 0,
    evidence: [] as (Evidence | undefined)[],
    loaded: 0,
    later: [] as OutboxEvent[],
  }
  const ledger = {
    reserve: async (_: ReserveRequest, evidence?: Evidence) => {
      heard.evidence.push(evidence)
      return reserves[Math.min(heard.reserve++, reserves.length - 1)]!(evidence)
    },
    settle: async (given: SettleRequest, evidence?: Evidence) => {
      heard.evidence.push(evidence)
      return settles[Math.min(heard.settle.push(given), settles.length) - 1]!(evidence)
    },
    identity: async () => 'one',
    release: async () => {
      heard.release += 1
      return { status: 'released' as const }
    },
  } as unknown as Ledger
  const findCharge = change.findCharge ?? (() => Promise.resolve(null))
  const loadAccount =
    change.loadAccount ?? (() => Promise.resolve((heard.loaded += 1) > 0 ? ('loaded' as const) : ('unknown' as const)))
  const outbox = await createOutbox({
    store: await openStore({ folder, clock: patientClock, onEvent: () => undefined }),
    ledger,
    journal: { findCharge, settledAmong: async () => [] },
    loadAccount,
    clock: patientClock,
    onEvent: (event) => heard.later.push(event),
  })
  outboxes.push(outbox)
  const gate = createGate({ ledger, findCharge, loadAccount, clock: patientClock, outbox, ...change })
  return { gate, outbox, heard }
}

async function opened(parts: Awaited<ReturnType<typeof gateBefore>>) {
  const answer = await parts.gate.open(request)
  if (!answer.ok) throw new Error(answer.refusal.kind)
  return answer.hold
}

it('tells how many holds are open, and for how long the oldest', async () => {
  let now = 1_000
  const parts = await gateBefore({ clock: { ...patientClock, now: () => now } })
  expect(parts.gate.figures()).toEqual({ openHolds: 0, oldestOpenHoldMs: 0 })
  const first = await opened(parts)
  now = 4_000
  const second = await opened(parts)
  now = 5_000
  expect(parts.gate.figures()).toEqual({ openHolds: 2, oldestOpenHoldMs: 4_000 })
  first.settle(work)
  expect(parts.gate.figures()).toEqual({ openHolds: 1, oldestOpenHoldMs: 1_000 })
  second.settle(work)
  expect(parts.gate.figures()).toEqual({ openHolds: 0, oldestOpenHoldMs: 0 })
})

describe('reserve', () => {
  it('gives a hold of what was granted', async () => {
    expect(await opened(await gateBefore())).toMatchObject({ granted: 100, epoch: 3 })
  })

  it('loads an account that the ledger does not hold, and asks again', async () => {
    const parts = await gateBefore({ reserves: [() => ({ status: 'account_not_loaded' }), () => created] })
    await opened(parts)
    expect(parts.heard).toMatchObject({ reserve: 2, loaded: 1 })
  })

  it('asks the journal where Redis cannot know, and repeats with what it found', async () => {
    const found = { kind: 'settled', charged: toMicro(5) } as never
    const parts = await gateBefore({
      reserves: [() => ask, () => ({ status: 'already_charged', charged: toMicro(5) })],
      findCharge: () => Promise.resolve(found),
    })
    expect(await parts.gate.open(request)).toEqual({ ok: false, refusal: { kind: 'already_charged', charged: 5 } })
    expect(parts.heard.evidence).toEqual([undefined, { lineage: 4, nowMs: 9, found }])
  })

  it.each([
    { name: 'nothing left', answer: { status: 'credits_depleted' }, refusal: { kind: 'credits_depleted' } },
    {
      name: 'too little',
      answer: { status: 'insufficient_credits', available: toMicro(3) },
      refusal: { kind: 'insufficient_credits', needed: 50, available: 3 },
    },
    {
      name: 'a budget',
      answer: { status: 'budget_exhausted', level: 'task:t', left: toMicro(1) },
      refusal: { kind: 'budget_exhausted', level: 'task:t', left: 1 },
    },
    { name: 'a backlog', answer: { status: 'backlogged' }, refusal: { kind: 'backlogged' } },
    {
      name: 'an id in use',
      answer: { status: 'exists_with_different_amount', held: toMicro(1) },
      refusal: { kind: 'id_conflict' },
    },
  ])('refuses for $name', async ({ answer, refusal }) => {
    const { gate } = await gateBefore({ reserves: [() => answer as ReserveAnswer] })
    expect(await gate.open(request)).toEqual({
      ok: false,
      refusal,
    })
  })

  it('refuses an account that nobody knows', async () => {
    const parts = await gateBefore({
      reserves: [() => ({ status: 'account_not_loaded' })],
      loadAccount: () => Promise.resolve('unknown'),
    })
    expect(await parts.gate.open(request)).toEqual({ ok: false, refusal: { kind: 'account_unknown' } })
  })

  it.each([
    { name: 'the ledger', change: { reserves: [down] } },
    {
      name: 'the way to the account',
      change: {
        reserves: [() => ({ status: 'account_not_loaded' as const })],
        loadAccount: () => Promise.reject(new Error('Temporal is away')),
      },
    },
    {
      name: 'the journal',
      change: { reserves: [() => ask], findCharge: () => Promise.reject(new Error('PostgreSQL is away')) },
    },
    {
      name: 'sense (an account that never stays)',
      change: { reserves: [() => ({ status: 'account_not_loaded' as const })] },
    },
  ])('fails closed without $name', async ({ change }) => {
    const { gate } = await gateBefore(change)
    expect(await gate.open(request)).toMatchObject({
      ok: false,
      refusal: { kind: 'ledger_unavailable' },
    })
  })

  it('that may still arrive is released', async () => {
    const parts = await gateBefore({ reserves: [down] })
    await parts.gate.open(request)
    await parts.gate.settled()
    expect(parts.heard.release).toBe(1)
  })

  it('of a request that is a bug throws', async () => {
    const parts = await gateBefore({
      reserves: [
        () => {
          throw new RangeError('not an id')
        },
      ],
    })
    await expect(parts.gate.open(request)).rejects.toThrow('not an id')
  })
})

describe('settle', () => {
  it('is sent once, however often it is called', async () => {
    const parts = await gateBefore()
    const hold = await opened(parts)
    const both = await Promise.all([hold.settle(work).settled, hold.settle({ ...work, actual: toMicro(9) }).settled])
    expect(both).toEqual([
      { charged: 7, uncollected: 0, epoch: 3 },
      { charged: 7, uncollected: 0, epoch: 3 },
    ])
    expect(parts.heard.settle).toHaveLength(1)
  })

  it('says where the call began: should its hold be lost with the ledger, it is booked in its own period', async () => {
    const began = { epoch: 3, windows: ['employee:ada|d20406'] }
    const parts = await gateBefore({ reserves: [() => ({ ...created, ...began })] })
    await (await opened(parts)).settle(work).settled
    expect(parts.heard.settle).toMatchObject([{ began }])
  })

  it('goes on until it is answered: outages, evidence, a lost account', async () => {
    const parts = await gateBefore({
      settles: [down, () => ask, down, () => ({ status: 'account_not_loaded' }), () => ask, () => settled],
    })
    const hold = await opened(parts)
    expect(await hold.settle(work).settled).toMatchObject({ charged: 7 })
    expect(parts.heard.settle).toHaveLength(6)
    expect(new Set(parts.heard.settle.map(({ id }) => id))).toEqual(new Set([request.id]))
    expect(parts.heard).toMatchObject({ loaded: 1, later: [] })
  })

  it('waits for the journal', async () => {
    let asked = 0
    const parts = await gateBefore({
      settles: [() => ask, () => ask, () => settled],
      findCharge: () => (++asked < 2 ? Promise.reject(new LedgerUnavailable('PostgreSQL')) : Promise.resolve(null)),
    })
    expect(await (await opened(parts)).settle(work).settled).toMatchObject({ charged: 7 })
  })

  it('is left for later, and reported, for an account that is gone', async () => {
    const parts = await gateBefore({
      settles: [() => ({ status: 'account_not_loaded' })],
      loadAccount: () => Promise.resolve('unknown'),
    })
    await expect((await opened(parts)).settle(work).settled).rejects.toThrow('no account a')
    expect(parts.heard.later).toMatchObject([{ kind: 'left_for_later', id: request.id }])
  })

  it('is left for later after some errors that no waiting cures', async () => {
    const parts = await gateBefore({
      settles: [
        () => {
          throw new Error('the script is broken')
        },
      ],
    })
    await expect((await opened(parts)).settle(work).settled).rejects.toThrow('the script is broken')
    expect(parts.heard.later).toMatchObject([{ kind: 'left_for_later', id: request.id }])
  })

  it('on its way when the process ends is waited for, within bounds', async () => {
    const parts = await gateBefore({ settles: [down] })
    const hold = await opened(parts)
    const settling = hold.settle(work).settled.catch((error: unknown) => error)
    expect(await parts.gate.close(1)).toBe(1)
    expect(await parts.outbox.close(0)).toEqual({ left: 1, lost: 0 })
    expect(await settling).toMatchObject({ message: 'the process ends' })
    expect(parts.heard.later).toMatchObject([{ kind: 'left_for_later', id: request.id }])
  })
})

describe('the end of a call', () => {
  it('is noted while the ledger is away', async () => {
    const parts = await gateBefore({ settles: [down] })
    await (await opened(parts)).settle(work).noted
    expect(parts.outbox.figures()).toMatchObject({ entries: 1, sending: 1 })
  })

  it('that could not be noted is not begun', async () => {
    const parts = await gateBefore({
      outbox: { trouble: () => 'the disk is full' } as GateDeps['outbox'],
    })
    const refusal = { kind: 'outbox_unavailable', reason: 'the disk is full' }
    expect(await parts.gate.open(request)).toEqual({ ok: false, refusal })
    expect(await parts.gate.charge({ ...request, ...work })).toEqual({ ok: false, refusal })
    expect(parts.heard.reserve).toBe(0)
  })
})

describe('extend', () => {
  const extended = async (answer: object) => {
    const { gate } = await gateBefore({
      ledger: { reserve: async () => created, extend: async () => answer } as unknown as Ledger,
    })
    const open = await gate.open(request)
    if (!open.ok) throw new Error(open.refusal.kind)
    return open.hold.extend({ accrued: toMicro(1), more: toMicro(20) })
  }

  it.each([
    { answer: { status: 'extended', held: 120 }, result: { ok: true, held: 120 } },
    {
      answer: { status: 'credits_depleted', held: 100 },
      result: { ok: false, held: 100, refusal: { kind: 'credits_depleted' } },
    },
    {
      answer: { status: 'insufficient_credits', held: 100, available: 0 },
      result: { ok: false, held: 100, refusal: { kind: 'insufficient_credits', needed: 20, available: 0 } },
    },
    {
      answer: { status: 'budget_exhausted', held: 100, level: 'employee:e', left: 0 },
      result: { ok: false, held: 100, refusal: { kind: 'budget_exhausted', level: 'employee:e', left: 0 } },
    },
    { answer: { status: 'hold_not_found' }, result: { ok: false, held: 0, refusal: { kind: 'ledger_unavailable' } } },
  ])('$answer.status', async ({ answer, result }) => {
    expect(await extended(answer)).toMatchObject(result)
  })
})

import { type ChargeId, chargeId } from '../../credits/charge-id.ts'
import { type Micro, toMicro } from '../../credits/money.ts'
import type { Level, Terms } from '../../credits/terms.ts'
import { noQuantities, type UsageRow } from '../../credits/usage-row.ts'
import type { Began, Ledger } from '../../ledger/ledger.ts'
import { untilAnswered, type AnswerDeps } from '../../middleware/until-answered.ts'
import { dayMs, grantCommand } from '../account/given.ts'
import type { Random } from '../model/random.ts'
import { detail } from '../workflows/ledger-stand.ts'
import { type MemoryAccounts, openPeriods } from './memory-accounts.ts'

/** What really happened to one account, as whoever did it knows: what the books are compared with. */
export interface Truth {
  /** By id, in all; `most` where a hold was given up and is charged what it had accrued when it expires. */
  readonly charged: Map<ChargeId, number>
  readonly kept: Map<string, number>
  /** Grants that reset, with the period that they were given in. */
  readonly own: Map<string, { readonly epoch: number; readonly amount: number }>
  readonly uncollected: Map<ChargeId, number>
  /** By operators. */
  readonly tookBack: Map<string, number>
}

export interface Customer {
  readonly accountId: string
  readonly truth: Truth
  /** One random operation. */
  step(): Promise<void>
  /** Ends all that is under way. */
  finish(): Promise<void>
}

export interface CustomerDeps {
  readonly accountId: string
  readonly accounts: MemoryAccounts
  /** With faults. */
  readonly ledger: Ledger
  readonly answers: AnswerDeps
  readonly random: Random
}

interface Open extends Began {
  readonly id: ChargeId
  readonly row: UsageRow
  readonly levels: readonly Level[]
  readonly held: number
  readonly accrued: number
}

const never = new AbortController().signal
const holdMs = 60_000
const mostOpen = 4
const mostOpenPeriods = 3

export function createCustomer({ accountId, accounts, ledger, answers, random }: CustomerDeps): Customer {
  const truth: Truth = {
    charged: new Map(),
    kept: new Map(),
    own: new Map(),
    uncollected: new Map(),
    tookBack: new Map(),
  }
  const open: Open[] = []
  const oldTerms: Terms[] = []
  let ids = 0
  let grants = 0

  const amount = (): Micro => toMicro(random.chance(0.1) ? 0 : random.between(1, 30_000_000))
  const newId = (): ChargeId => chargeId(Date.now(), `${accountId}-${(ids += 1)}`)
  const ask = <Answer extends { readonly status: string }>(
    id: ChargeId,
    send: Parameters<typeof untilAnswered<Answer>>[2],
  ) => untilAnswered<Answer>(answers, { accountId, id }, send, never)

  function place(): { readonly row: UsageRow; readonly levels: readonly Level[] } {
    const employee = random.pick(['ada', 'bo', 'cy'])
    const organization = random.pick(['lab', 'shop'])
    return {
      row: {
        category: random.pick(['ai_usage', 'tool_calls'] as const),
        tier: '',
        model: '',
        item: 'app',
        employee,
        organization,
      },
      levels: [`employee:${employee}`, `organization:${organization}`],
    }
  }

  async function begin(): Promise<void> {
    const [id, { row, levels }, wanted] = [newId(), place(), amount()]
    const minimum = toMicro(Math.floor(wanted / 2))
    const request = { accountId, id, amount: wanted, minimum, ttlMs: holdMs, row, levels }
    const answer = await ask(id, (evidence) => ledger.reserve(request, evidence))
    if (answer.status !== 'created' && answer.status !== 'exists') return
    const { held, epoch, windows } = answer
    open.push({ id, row, levels, held, accrued: 0, epoch, windows })
  }

  async function settleOne(): Promise<void> {
    const at = random.between(0, open.length - 1)
    const [call] = open.splice(at, 1)
    if (call === undefined) return
    const { id, row, levels, held, accrued, epoch, windows } = call
    if (accrued === 0 && random.chance(0.1)) {
      await ask(id, (evidence) => ledger.release({ accountId, id }, evidence))
      return
    }
    const actual = toMicro(
      Math.max(accrued, random.chance(0.2) ? held + random.between(0, 5_000_000) : random.between(0, held)),
    )
    const request = { accountId, id, actual, row, quantities, levels, detail, began: { epoch, windows } }
    const answer = await ask(id, (evidence) => ledger.settle(request, evidence))
    note(id, actual, answer)
  }

  async function extendOne(): Promise<void> {
    const at = random.between(0, open.length - 1)
    const call = open[at]
    if (call === undefined) return
    const accrued = toMicro(random.between(call.accrued, call.held))
    const more = amount()
    const request = { accountId, id: call.id, accrued, more, ttlMs: holdMs }
    const answer = await ask(call.id, () => ledger.extend(request))
    // A hold that went with its ledger is settled all the same.
    const held = 'held' in answer ? answer.held : call.held
    open[at] = { ...call, accrued, held: Math.max(held, accrued) }
  }

  async function chargeOnce(): Promise<void> {
    const [id, { row, levels }, actual] = [newId(), place(), amount()]
    const request = { accountId, id, actual, row, quantities, levels, detail, accepted: false }
    const answer = await ask(id, (evidence) => ledger.charge(request, evidence))
    if (answer.status === 'settled' || answer.status === 'exists') note(id, actual, answer)
  }

  function note(
    id: ChargeId,
    actual: number,
    { charged, uncollected }: { charged: number; uncollected: number },
  ): void {
    if (charged + uncollected !== actual)
      throw new Error(`${id}: ${charged} charged and ${uncollected} uncollected are not the ${actual} that it cost`)
    truth.charged.set(id, charged)
    truth.uncollected.set(id, uncollected)
  }

  async function give(): Promise<void> {
    // Some of them again.
    const id = `g${random.chance(0.3) ? random.between(0, grants) : (grants += 1)}`
    const known = truth.kept.get(id) ?? truth.own.get(id)?.amount
    const resets = known === undefined ? random.chance(0.5) : truth.own.has(id)
    const size = known ?? random.between(1, 50_000_000)
    const answer = await accounts.grant(accountId, grantCommand(id, toMicro(size), { resets }))
    if (!answer.ok || known !== undefined) return
    if (resets) truth.own.set(id, { epoch: answer.terms.epoch, amount: size })
    else truth.kept.set(id, size)
    await push(answer.terms)
  }

  async function refund(): Promise<void> {
    const charges = [...truth.charged].filter(([, charged]) => charged > 0)
    if (charges.length === 0) return
    const [charge, charged] = random.pick(charges)
    const id = `refund:${charge}`
    const answer = await accounts.grant(
      accountId,
      grantCommand(id, toMicro(charged), { source: 'refund', resets: false }),
    )
    if (!answer.ok) return
    truth.kept.set(id, charged)
    await push(answer.terms)
  }

  async function chargeBack(): Promise<void> {
    const id = `back${random.between(0, 40)}`
    const size = truth.tookBack.get(id) ?? random.between(1, 20_000_000)
    const answer = await accounts.takeBack(accountId, { id, amount: toMicro(size), detail: '', by: 'test' })
    if (!answer.ok) return
    truth.tookBack.set(id, size)
    await push(answer.terms)
  }

  async function changePlan(): Promise<void> {
    const answer = await accounts.setPlan(accountId, { plan: random.pick(['free', 'starter', 'pro']), by: 'test' })
    if (answer.ok) await push(answer.terms)
  }

  async function passTime(): Promise<void> {
    if (openPeriods(accounts.state(accountId)) >= mostOpenPeriods) return
    await push(accounts.wait(accountId, random.between(0, 25 * dayMs)))
  }

  /** Now, or never by us: then the next report brings them. Sometimes those of long ago come once more. */
  async function push(terms: Terms): Promise<void> {
    oldTerms.push(terms)
    if (oldTerms.length > 5) oldTerms.shift()
    const sent = random.chance(0.2) ? random.pick(oldTerms) : terms
    await ledger.putTerms(accountId, sent).catch((error: unknown) => {
      if (!(error instanceof Error && error.name === 'LedgerUnavailable')) throw error
    })
  }

  return {
    accountId,
    truth,
    async step() {
      const fate = random.next()
      if (fate < 0.3 && open.length < mostOpen) return begin()
      if (fate < 0.6) return settleOne()
      if (fate < 0.72) return extendOne()
      if (fate < 0.92) return chargeOnce()
      if (fate < 0.95) return give()
      if (fate < 0.955) return refund()
      if (fate < 0.96) return chargeBack()
      if (fate < 0.98) return changePlan()
      return passTime()
    },
    async finish() {
      while (open.length > 0) await settleOne()
      await untilAnswered(
        answers,
        { accountId, id: newId() },
        () => ledger.putTerms(accountId, accounts.wait(accountId, 0)),
        never,
      )
    },
  }
}

const quantities = { ...noQuantities, units: 1 }

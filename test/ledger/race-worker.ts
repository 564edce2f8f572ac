import { chargeId } from '../../credits/charge-id.ts'
import { toMicro, zero } from '../../credits/money.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { type Evidence, createLedger } from '../../ledger/ledger.ts'
import { detailOf, quantities, row } from './given.ts'

export interface RaceOrder {
  readonly redisUrl: string
  readonly accountId: string
  readonly process: number
  readonly workers: number
  readonly rounds: number
}

export interface RaceResult {
  readonly charged: number
  readonly refused: number
  /** Ids of which both attempts heard that they were first: must be none. */
  readonly createdTwice: number
  readonly settledTwice: number
}

/** One of several processes that spend from one account, each call sent twice at once. Amounts come from a fixed sequence per worker. */
async function main({ redisUrl, accountId, process: number, workers, rounds }: RaceOrder): Promise<RaceResult> {
  const redis = await connectRedis(redisUrl, { commandTimeoutMs: 30_000 })
  const ledger = createLedger(redis, { depletedBelow: zero })
  const result = { charged: 0, refused: 0, createdTwice: 0, settledTwice: 0 }
  const twice = <T>(run: () => Promise<T>): Promise<readonly [T, T]> => Promise.all([run(), run()])
  // The account was loaded a moment ago, so that every new id is asked about; nobody has ever settled one
  const evidence = async (): Promise<Evidence> => {
    const account = await ledger.read(accountId)
    if (account.status !== 'loaded') throw new Error('the account is gone')
    return { lineage: account.lineage, nowMs: account.nowMs, found: null }
  }

  async function worker(index: number): Promise<void> {
    let amount = 7 * (index + 1) + number
    for (let round = 0; round < rounds; round++) {
      amount = (amount * 16_807 + 11) % 97
      const id = chargeId(Date.now(), `p${number}-w${index}-r${round}`)
      const name = { accountId, id }
      const known = await evidence()
      const reserve = {
        ...name,
        amount: toMicro(20 + amount),
        minimum: toMicro(1),
        ttlMs: 60_000,
        row,
        levels: ['employee:ada'],
      }
      const reserved = await twice(() => ledger.reserve(reserve, known))
      if (reserved.every(({ status }) => status === 'created')) result.createdTwice += 1
      if (!reserved.some(({ status }) => status === 'created' || status === 'exists')) {
        result.refused += 1
        continue
      }
      if (round % 3 === 1) {
        await twice(() => ledger.release(name, known))
        continue
      }
      await twice(() => ledger.extend({ ...name, accrued: toMicro(10), more: toMicro(amount), ttlMs: 60_000 }))
      const actual = toMicro(round % 3 === 0 ? 10 + 2 * amount : amount)
      const settle = { ...name, actual, row, quantities, levels: [], detail: detailOf(0) }
      const settled = await twice(() => ledger.settle(settle, known))
      if (settled.every(({ status }) => status === 'settled')) result.settledTwice += 1
      for (const answer of settled) {
        if (answer.status === 'settled') result.charged += answer.charged
      }
    }
  }

  await Promise.all(Array.from({ length: workers }, (_, index) => worker(index)))
  await ledger.close()
  return result
}

process.send?.(await main(JSON.parse(process.argv[2]!) as RaceOrder))
process.disconnect?.()

// A gateway's outbox in a process of its own, that is killed at the worst moment, or fills its disk. What it does is said by its first argument.
import type { SettleRequest } from '../../ledger/ledger.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { createLedger, type Ledger } from '../../ledger/ledger.ts'
import { openJournal } from '../../journal/open-journal.ts'
import { toMicro } from '../../credits/money.ts'
import { systemClock } from '../../middleware/clock.ts'
import { createGate } from '../../middleware/gate.ts'
import { createOutbox } from '../../middleware/outbox/outbox.ts'
import { openStore } from '../../middleware/outbox/store.ts'

export interface DyingGateway {
  readonly folder: string
  readonly redisUrl: string
  readonly databaseUrl: string
  readonly dies: 'before it sends' | 'before it hears the answer' | 'after the answer' | 'never'
  readonly works: readonly SettleRequest[]
}

const { folder, redisUrl, databaseUrl, dies, works } = JSON.parse(process.argv[2]!) as DyingGateway
const die = (): never => {
  process.kill(process.pid, 'SIGKILL')
  throw new Error('killed')
}
// A file that may not grow: without a listener the signal would end the process before the write has failed.
process.on('SIGXFSZ', () => undefined)

const ledger = createLedger(await connectRedis(redisUrl, { commandTimeoutMs: 5_000 }), { depletedBelow: toMicro(0) })
const journal = await openJournal({ url: databaseUrl })
const watched: Ledger = {
  ...ledger,
  settle: async (...sent) => {
    if (dies === 'before it sends') return die()
    const answer = await ledger.settle(...sent)
    if (dies === 'before it hears the answer' && answer.status === 'settled') return die()
    return answer
  },
}
const findCharge = (accountId: string, id: string) => journal.findCharge(accountId, id)
const loadAccount = () => Promise.reject(new Error('not here'))
const outbox = await createOutbox({
  store: await openStore({
    folder,
    clock: systemClock,
    leastFreeBytes: 0,
    onEvent: ({ kind }) => console.log(`event ${kind}`),
  }),
  ledger: watched,
  journal,
  loadAccount,
  clock: systemClock,
  onEvent: ({ kind }) => console.log(`event ${kind}`),
  times: { takeOverEveryMs: 500 },
})
const gate = createGate({ ledger: watched, outbox, findCharge, loadAccount, clock: systemClock })
console.log(`ready with ${outbox.figures().entries}`)
for (const work of works) {
  const { noted, settled } = outbox.settle(work)
  await noted
  console.log(`noted ${work.id}`)
  const { status } = await settled
  console.log(`${status} ${work.id}`)
  if (dies === 'after the answer') die()
}
const [work] = works
const opened = await gate.open({
  ...work!,
  id: `${work!.id}-new`,
  amount: toMicro(1),
  minimum: toMicro(1),
  ttlMs: 1_000,
})
console.log(`new work: ${opened.ok ? 'begins' : opened.refusal.kind}`)
setInterval(() => undefined, 1_000)

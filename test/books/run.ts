// `node test/books/run.ts [--operations 1000000] [--seed 1] [--customers 200] [--losses 5]`: docs/accounts.md.
import { parseArgs } from 'node:util'
import { startRedis } from '../../bin/stack/redis.ts'
import { openJournal } from '../../journal/open-journal.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { startPostgres } from '../stack/postgres.ts'
import { keepBooks } from './books.ts'

const { values } = parseArgs({
  options: {
    operations: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    customers: { type: 'string', default: '200' },
    losses: { type: 'string', default: '5' },
  },
})
const [redis, postgres] = await Promise.all([startRedis({ appendonly: 'everysec' }), startPostgres()])
const connection = await connectRedis(redis.url)
const journal = await openJournal({ url: postgres.url })
const startedMs = performance.now()
const books = await keepBooks({
  redis: connection,
  journal,
  seed: Number(values.seed),
  operations: Number(values.operations),
  customers: Number(values.customers),
  losses: Number(values.losses),
  say: (line) => console.log(`${((performance.now() - startedMs) / 1_000).toFixed(1).padStart(7)} s  ${line}`),
})
const { operations, sums, broken, drifts, events } = books
console.table({ operations, ...sums, broken: broken.length, corrections: drifts.length })
console.table(Object.fromEntries(events))
for (const line of broken.slice(0, 20)) console.log(line)
for (const drift of drifts.slice(0, 20)) console.log('corrected', drift)
connection.disconnect()
await journal.close()
await Promise.all([redis.stop(), postgres.stop()])
process.exitCode = broken.length + drifts.length === 0 ? 0 : 1

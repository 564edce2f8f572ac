import type { AccountWorkflow, Workflows } from './account-workflow.ts'
import type { Gateway } from './gateway.ts'
import type { Journal } from './journal.ts'
import type { Account, Ledger, LedgerState, Name } from './ledger/state.ts'
import { trueRawOf } from './ledger/balance.ts'
import type { Mix } from './mixes.ts'
import type { Random } from './random.ts'
import type { Rules } from './rules.ts'
import type { Scheduler } from './scheduler.ts'
import type { Story } from './story.ts'
import type { Truth } from './truth.ts'

/** The Redis of the model: a ledger, its clock, and who it is. */
export interface Redis extends Ledger {
  state: LedgerState
  /** Its clock against the true one, ms. */
  offsetMs: number
  /** Changes whenever it was restarted, replaced or promoted. */
  identity: number
}

/** Everything in one process. */
export interface World {
  readonly rules: Rules
  readonly mix: Mix
  readonly random: Random
  readonly scheduler: Scheduler
  readonly redis: Redis
  readonly journal: Journal
  readonly workflows: Workflows
  readonly accounts: ReadonlyMap<string, AccountWorkflow>
  readonly gateways: readonly Gateway[]
  readonly truth: Truth
  readonly story: Story
  /** No more faults: the world comes to rest. */
  calm: boolean
}

/** A run that broke the books. */
export class BooksBroken extends Error {
  override readonly name = 'BooksBroken'
  readonly about: Partial<Name>
  constructor(message: string, about: Partial<Name> = {}) {
    super(message)
    this.about = about
  }
}

/** One operation on Redis. None but a correction may leave an account with less than nothing. */
export function onRedis<T>(world: World, accountId: string, operation: string, run: (redis: Redis) => T): T {
  const { redis, truth } = world
  const account = redis.state.accounts.get(accountId)
  const before = account === undefined ? undefined : trueRawOf(redis, account)
  const answer = run(redis)
  if (account === undefined || before === undefined || redis.state.accounts.get(accountId) !== account) return answer
  const after = trueRawOf(redis, account)
  if (operation === 'putTerms') noteUncounted(world, accountId, account)
  if (operation === 'closeEpoch' && after !== before) {
    throw new BooksBroken(`closing a period took ${accountId} from ${before} to ${after}`, { accountId })
  }
  const goesBack = truth.rolledBack || truth.stragglers.size > 0
  const excused = operation === 'correct' || (operation === 'putTerms' && goesBack)
  if (after < Math.min(0, before) && !excused) {
    throw new BooksBroken(`${operation} left ${accountId} with ${after}, ${before} before`, { accountId })
  }
  for (const book of [account.current, ...account.earlier]) {
    if (book.held < 0)
      throw new BooksBroken(`${operation} left ${accountId} with ${book.held} held in period ${book.epoch}`, {
        accountId,
      })
  }
  return answer
}

/** A closed period that came back counts all that it has spent once terms do not name it: what its archive does not have yet may be spent again. */
function noteUncounted({ accounts, truth }: World, accountId: string, account: Account): void {
  for (const { epoch, spent } of account.earlier) {
    const archive = accounts.get(accountId)!.state.periods.find((period) => period.epoch === epoch)
    if (archive?.closed !== true) continue
    const key = `${accountId} ${epoch}`
    truth.uncounted.set(key, Math.max(spent - archive.spent, truth.uncounted.get(key) ?? 0))
  }
}

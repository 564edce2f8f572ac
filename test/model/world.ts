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
  const intoClosed = spentOfClosed(world, accountId, account)
  const answer = run(redis)
  if (account === undefined || before === undefined || redis.state.accounts.get(accountId) !== account) return answer
  const after = trueRawOf(redis, account)
  noteUncounted(world, accountId, spentOfClosed(world, accountId, account) - intoClosed)
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

/** What periods have spent that their workflow has closed: they are in Redis because it went back in time. */
function spentOfClosed({ accounts }: World, accountId: string, account: Account | undefined): number {
  if (account === undefined) return 0
  const closed = accounts.get(accountId)!.state.periods.filter((period) => period.closed)
  return [account.current, ...account.earlier]
    .filter(({ epoch }) => closed.some((period) => period.epoch === epoch))
    .reduce((total, { spent }) => total + spent, 0)
}

/** Until their archive has it, what is booked in them is taken from nobody, and may be spent again. */
function noteUncounted({ truth }: World, accountId: string, spent: number): void {
  if (spent > 0) truth.undone.set(accountId, (truth.undone.get(accountId) ?? 0) + spent)
}

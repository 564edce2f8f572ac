import { Context, type Info } from '@temporalio/activity'
import type { Micro } from '../../credits/money.ts'
import { type ParkedRun, stateAttribute } from '../../credits/parked-run.ts'
import type { WaitingRoom } from '../waiting-room.ts'
import { currentWork } from './current-work.ts'
import type { OwnActivities } from './workflow/own-activities.ts'

/** What parked runs and those that a schedule started ask of the ledger. */
export function createParkingActivities(
  waitingRoom: WaitingRoom,
): Pick<OwnActivities, 'tollgate.awaitCredits' | 'tollgate.leaveLine' | 'tollgate.admit'> {
  const isListed = createListed()
  return {
    async 'tollgate.awaitCredits'(need) {
      const account = currentWork()?.account
      const run = runOf(Context.current().info)
      // Nobody to wait for: what the run tries next tells it so
      if (account === undefined || run === undefined)
        return { status: 'ready', available: Number.MAX_SAFE_INTEGER, listed: false }
      const [place, listed] = await Promise.all([waitingRoom.enter(account, run, need as Micro), isListed()])
      return { ...place, listed }
    },
    async 'tollgate.leaveLine'() {
      const account = currentWork()?.account
      const run = runOf(Context.current().info)
      if (account !== undefined && run !== undefined) await waitingRoom.leave(account, run)
    },
    async 'tollgate.admit'() {
      const account = currentWork()?.account
      if (account === undefined) return { admitted: true, listed: false }
      const [admitted, listed] = await Promise.all([waitingRoom.hasCredits(account), isListed()])
      return { admitted, listed }
    },
  }
}

function runOf({ workflowNamespace, workflowExecution }: Info): ParkedRun | undefined {
  if (workflowNamespace === undefined || workflowExecution === undefined) return undefined
  return { namespace: workflowNamespace, ...workflowExecution }
}

/** INDEXED_VALUE_TYPE_KEYWORD of Temporal's API. */
const keyword = 2

/** Whether the worker's namespace has the search attribute: asked once, and again where it was not answered. */
function createListed(): () => Promise<boolean> {
  let asked: Promise<boolean> | undefined
  return () => {
    const { client, info } = Context.current()
    asked ??= client
      .withDeadline(Date.now() + 1_000, () =>
        client.connection.operatorService.listSearchAttributes({ namespace: info.activityNamespace }),
      )
      // A run that writes an attribute of another type would be stuck
      .then(({ customAttributes }) => customAttributes?.[stateAttribute] === keyword)
    return asked.catch(() => {
      asked = undefined
      return false
    })
  }
}

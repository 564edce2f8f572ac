import { Context, type Info } from '@temporalio/activity'
import type { Micro } from '../../credits/money.ts'
import { type ParkedRun, stateAttribute } from '../../credits/parked-run.ts'
import type { WaitingRoom } from '../waiting-room.ts'
import { currentWork } from './current-work.ts'
import type { OwnActivities } from './workflow/own-activities.ts'

/** What parked runs and those that a schedule started ask of the ledger. */
export function createParkingActivities(
  waitingRoom: WaitingRoom,
): Pick<OwnActivities, 'tollgate.awaitCredits' | 'tollgate.admit'> {
  const isListed = createListed()
  return {
    async 'tollgate.awaitCredits'(need) {
      const account = currentWork()?.account
      const run = runOf(Context.current().info)
      // Nobody to wait for: what the run tries next tells it so
      if (account === undefined || run === undefined) return { status: 'ready', listed: false }
      const [status, listed] = await Promise.all([waitingRoom.enter(account, run, need as Micro), isListed()])
      return { status, listed }
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

/** Whether the worker's namespace has the search attribute: asked once, and again where it was not answered. */
function createListed(): () => Promise<boolean> {
  let asked: Promise<boolean> | undefined
  return () => {
    const { client, info } = Context.current()
    asked ??= client.connection.operatorService
      .listSearchAttributes({ namespace: info.activityNamespace })
      .then(({ customAttributes }) => Object.hasOwn(customAttributes ?? {}, stateAttribute))
    return asked.catch(() => {
      asked = undefined
      return false
    })
  }
}

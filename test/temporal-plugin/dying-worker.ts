// A worker that is killed at the worst moment: in an activity, or once it was charged and before Temporal hears of its success.
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker'
import { TollgatePlugin } from '../../middleware/temporal/plugin.ts'
import { createActivities } from './activities.ts'
import { catalogue, openCharging } from './charging.ts'
import { workflowsPath } from './workflows-path.ts'

export interface DyingWorker {
  readonly address: string
  readonly redisUrl: string
  readonly taskQueue: string
  readonly dies: 'in the activity' | 'after the charge'
}

Runtime.install({ logger: new DefaultLogger('ERROR') })

const { address, redisUrl, taskQueue, dies } = JSON.parse(process.argv[2]!) as DyingWorker
const die = (): void => void process.kill(process.pid, 'SIGKILL')

const { charges } = await openCharging(redisUrl)
const plugin = new TollgatePlugin({
  catalogue,
  charges: {
    ...charges,
    async open(request) {
      const answer = await charges.open(request)
      if (!answer.ok) return answer
      const { hold } = answer
      const settle: typeof hold.settle = (work) => {
        const settling = hold.settle(work)
        // Temporal never hears of this success
        return { ...settling, noted: settling.settled.then(() => new Promise<void>(die)) }
      }
      if (dies !== 'after the charge') return answer
      const { granted, epoch } = hold
      const extend: typeof hold.extend = (extension) => hold.extend(extension)
      return { ok: true, hold: { granted, epoch, extend, settle, leave: () => hold.leave() } }
    },
  },
})
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue,
  workflowsPath,
  plugins: [plugin],
  activities: { ...createActivities([]), ...(dies === 'in the activity' ? { diesOnce: async () => die() } : {}) },
})
await worker.run()

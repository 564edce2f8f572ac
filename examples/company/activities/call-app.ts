import { currentWork } from '../../../package/temporal.ts'
import { apps, type AppName } from '../apps.ts'
import type { Deps } from './deps.ts'

export interface AppCall {
  readonly app: AppName
  readonly action: string
  /** Where it is told of; nowhere for work outside of conversations. */
  readonly conversation?: string
  readonly answer?: string
}

/** Calls a connected app: charged as `connected_app.call`, under the app's name. */
export function callApp({ events }: Pick<Deps, 'events'>) {
  return async ({ app, action, conversation, answer }: AppCall): Promise<string> => {
    const summary = await apps[app](action)
    if (conversation !== undefined && answer !== undefined) {
      const { account } = currentWork()!
      await events.writer(account, conversation).write({ kind: 'app_called', answer, app, summary })
    }
    return summary
  }
}

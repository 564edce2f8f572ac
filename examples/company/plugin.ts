import type { Catalogue } from '../../package/catalogue.ts'
import { type Charges, TollgatePlugin } from '../../package/temporal.ts'
import type { AppCall } from './activities/call-app.ts'

export interface PluginOptions {
  readonly catalogue: Catalogue
  readonly charges: Charges
  readonly onEvent?: ConstructorParameters<typeof TollgatePlugin>[0]['onEvent']
}

/** All that makes the company's workflows billed ones. */
export function createPlugin({ catalogue, charges, onEvent }: PluginOptions): TollgatePlugin {
  return new TollgatePlugin({
    catalogue,
    charges,
    tasks: ['dailyReport'],
    describe: (activityType, [call]) =>
      activityType === 'connected_app.call' ? { item: (call as AppCall).app } : undefined,
    ...(onEvent === undefined ? {} : { onEvent }),
  })
}

// `tollgate/temporal`: for the processes that have clients and workers.
export { type Attribution, withAttribution, type WorkFor } from '../middleware/temporal/attribution.ts'
export type { UnmarkedActivity } from '../middleware/temporal/activity-interceptor.ts'
export type { Charges } from '../middleware/temporal/charges.ts'
export type { Start } from '../middleware/temporal/client-interceptors.ts'
export { type CurrentWork, currentWork } from '../middleware/temporal/current-work.ts'
export type { EventCounts, PluginEvent } from '../middleware/temporal/events.ts'
export { TollgatePlugin, type TollgatePluginOptions } from '../middleware/temporal/plugin.ts'
export type { Dimensions } from '../middleware/temporal/price-work.ts'

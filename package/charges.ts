// `tollgate/charges`: where a worker's plugin reserves and charges.
export type { JournalNotOpened } from '../journal/journal-unavailable.ts'
export {
  type ChargesEvent,
  connectCharges,
  type ConnectedCharges,
  type ConnectOptions,
} from '../middleware/connect-charges.ts'
export { StoreNotOpened } from '../middleware/open-stores.ts'

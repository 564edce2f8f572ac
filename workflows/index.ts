// What the worker bundles: every workflow that Tollgate itself runs.
export { account } from './account.ts'
export { reconcileShards } from './reconcile.ts'
export { session } from './session.ts'

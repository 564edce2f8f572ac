import { StoreNotOpened } from '../middleware/open-stores.ts'
import { StartError } from './settings.ts'

/** A store did not answer at the start, and may yet. */
export class StoreAway extends StartError {}

/**
 * The error for a store that could not be opened: StoreAway if waiting may help. What answers, and says that it does not want us (a wrong password, no such
 * database, a certificate that does not fit), is a setting to be mended: a plain StartError.
 */
export function storeError(code: string, message: string, error: unknown): StartError {
  return isRefusal(error) ? new StartError(code, message) : new StoreAway(code, message)
}

/** Throws the StartError for what kept a store from opening; all else as it is. */
export function asStartError(error: unknown): never {
  if (!(error instanceof StoreNotOpened)) throw error
  const { code, message, cause, isOutage } = error
  throw isOutage ? storeError(code, message, cause) : new StartError(code, message)
}

function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error.name === 'ReplyError') return redisRefuses.test(error.message)
  if ('code' in error && isRefusalCode(error.code)) return true
  return isRefusal(error.cause)
}

/** Of Redis 5 to 8: no or a wrong password, no right to these commands, no such database. */
const redisRefuses = /^(WRONGPASS|NOAUTH|NOPERM|ERR(?! max number of clients))\b/

/** Numbers are gRPC's (argument, permission, credentials); five characters are SQL's (credentials, no such database); words are those of TLS. */
function isRefusalCode(code: unknown): boolean {
  if (typeof code === 'number') return [3, 7, 16].includes(code)
  return typeof code === 'string' && /^(28...|3D...)$|^ERR_(TLS|SSL)_|CERT|LEAF_SIGNATURE/.test(code)
}

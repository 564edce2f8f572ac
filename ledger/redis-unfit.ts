/** This Redis answers, but must not carry a ledger: its message says why and what to do. */
export class RedisUnfit extends Error {
  override readonly name = 'RedisUnfit'
}

const timed = /^([0-9a-f]{8})-([0-9a-f]{4})-7/

/**
 * When a chain of runs began, ms since epoch, by the id of its first run: the one time that all its runs agree on, since each knows only its own start. Servers
 * that give out ids without a time (before UUID version 7) get 0, which is before everything, so that the journal is asked about each charge.
 */
export function birthOfChain(firstRunId: string): number {
  const [, high, low] = timed.exec(firstRunId) ?? []
  return high === undefined || low === undefined ? 0 : Number.parseInt(high + low, 16)
}

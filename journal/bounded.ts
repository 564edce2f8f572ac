/** The limit itself. Throws RangeError unless it is a whole number from 1 to `most`: no list of the journal is unbounded. */
export function bounded(limit: number, most: number): number {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > most)
    throw new RangeError(`not a limit of 1 to ${most}: ${limit}`)
  return limit
}

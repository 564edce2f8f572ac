import type { Terms } from '../credits/terms.ts'

/** Terms as put-terms and hydrate read them. Throws RangeError for two budgets on one level, or a level that would spell two. */
export function packTerms(terms: Terms): readonly (string | number)[] {
  const { version, epoch, granted, used, utcOffsetMs, alertsAt, card, earlier, budgets } = terms
  const levels = budgets.map(({ level }) => level)
  const broken = levels.find((level, index) => level === '' || /[|\n]/.test(level) || levels.indexOf(level) !== index)
  if (broken !== undefined) throw new RangeError(`not a level, or limited twice: ${broken}`)
  return [
    version,
    epoch,
    granted,
    used,
    utcOffsetMs,
    alertsAt.join(','),
    JSON.stringify(card),
    earlier.map((one) => `${one.epoch},${one.free},${one.counted}`).join(';'),
    budgets.map(({ level, limit, window, atLimit }) => `${level}|${limit},${window},${atLimit}`).join('\n'),
  ]
}

import { type Micro, microPerCredit } from './money.ts'

/** How amounts, shares and durations read. Rounded in whole numbers: text is the only place where a fraction of the unit is ever cut. */
export interface Formats {
  /**
   * What something cost: '0', '<0.01', else two decimals, half up: '0.05', '1,234.57'. A cost that is not zero never reads as zero. `amount`: µcr,
   * below zero for a correction.
   */
  readonly spend: (amount: number) => string
  /** What is left, never more than there is: '1,887', below a hundred '99.99', '<0.01', '0'. */
  readonly remaining: (amount: Micro) => string
  /** As `remaining`, in little room: '1.9M' from a million on. */
  readonly remainingShort: (amount: Micro) => string
  /** All there is to it: '0.0042'. */
  readonly exact: (amount: number) => string
  /** '≈ $18.87', rounded down: a credit is about a cent. */
  readonly money: (amount: Micro) => string
  /** '0%', '<0.1%', '12.3%' of `whole`. */
  readonly share: (part: number, whole: number) => string
  /** '3 min 20 s'. */
  readonly duration: (ms: number) => string
  /** A count of tokens, tasks or calls. */
  readonly count: (count: number) => string
  /** '3 credits/min' of an amount for each minute. */
  readonly perMinute: (amount: Micro) => string
}

/** US dollars for a credit, as a fraction: $0.01. */
const creditsPerDollar = 100
const minus = '\u2212'

/** For one locale ('en', 'de-CH'). Keep it: making one is slow. Throws RangeError for what is no locale. */
export function createFormats(locale: string): Formats {
  const numbers = (fractionFrom: number, fractionTo: number) =>
    new Intl.NumberFormat(locale, { minimumFractionDigits: fractionFrom, maximumFractionDigits: fractionTo })
  const [whole, cents, upToCents, six] = [numbers(0, 0), numbers(2, 2), numbers(0, 2), numbers(0, 6)]
  const percent = (digits: number) =>
    new Intl.NumberFormat(locale, { style: 'percent', minimumFractionDigits: digits, maximumFractionDigits: digits })
  const [wholePercent, tenthPercent] = [percent(0), percent(1)]
  const millions = new Intl.NumberFormat(locale, {
    notation: 'compact',
    maximumFractionDigits: 1,
    roundingMode: 'floor',
  })
  const dollars = new Intl.NumberFormat(locale, { style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol' })
  const unit = (name: string) => new Intl.NumberFormat(locale, { style: 'unit', unit: name, unitDisplay: 'short' })
  const [hours, minutes, seconds] = [unit('hour'), unit('minute'), unit('second')]
  const smallest = `<${cents.format(0.01)}`
  const signed = (amount: number, format: (amount: number) => string): string =>
    amount < 0 ? `${minus}${format(-amount)}` : format(amount)

  const spend = (amount: number): string => {
    if (amount === 0) return '0'
    if (amount < microPerCredit / 100) return smallest
    return cents.format(decimal(BigInt(amount) + 5_000n, 2))
  }
  const remaining = (amount: Micro): string => {
    if (amount === 0) return '0'
    if (amount < microPerCredit / 100) return smallest
    return amount < 100 * microPerCredit
      ? upToCents.format(decimal(BigInt(amount), 2))
      : whole.format(decimal(BigInt(amount), 0))
  }
  const exact = (amount: number): string => signed(amount, (size) => six.format(decimal(BigInt(size), 6)))
  return {
    spend: (amount) => signed(amount, spend),
    remaining,
    remainingShort: (amount) =>
      amount < 1_000_000 * microPerCredit ? remaining(amount) : millions.format(decimal(BigInt(amount), 0)),
    exact,
    money: (amount) => `≈ ${dollars.format(decimal(BigInt(amount) / BigInt(creditsPerDollar), 2))}`,
    share(part, all) {
      if (part <= 0 || all <= 0) return wholePercent.format(0)
      const thousandths = (BigInt(part) * 2000n + BigInt(all)) / (2n * BigInt(all))
      return thousandths === 0n ? `<${tenthPercent.format(0.001)}` : tenthPercent.format(Number(thousandths) / 1000)
    },
    duration(ms) {
      const all = Math.floor(ms / 1000)
      const parts = [
        [Math.floor(all / 3600), hours],
        [Math.floor(all / 60) % 60, minutes],
        [all % 60, seconds],
      ] as const
      const shown = parts.filter(([count]) => count > 0)
      return shown.length === 0 ? seconds.format(0) : shown.map(([count, words]) => words.format(count)).join(' ')
    },
    count: (count) => whole.format(count),
    perMinute: (amount) => `${exact(amount)} credits/min`,
  }
}

/** Whole credits with so many decimals, the rest cut, as text: no float comes near an amount. */
function decimal(amount: bigint, decimals: number): `${number}` {
  const fraction = String(amount % BigInt(microPerCredit))
    .padStart(6, '0')
    .slice(0, decimals)
  return `${amount / BigInt(microPerCredit)}${decimals === 0 ? '' : `.${fraction}`}` as `${number}`
}

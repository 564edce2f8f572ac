declare const unit: unique symbol

/** Micro-credits: 1 credit = 1_000_000 ≈ $0.01. Whole, never negative, up to 2^53 - 1, the range Lua keeps exact. */
export type Micro = number & { readonly [unit]: 'micro-credits' }

export const microPerCredit = 1_000_000

/** The same number as an amount. Throws RangeError for a fraction, a minus sign, or more than 2^53 - 1. */
export function toMicro(value: number): Micro {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not an amount of micro-credits: ${value}`)
  return value as Micro
}

export const zero = toMicro(0)

/** A decimal number of credits, as people write it ('0.25', 1000), exactly. Throws RangeError beyond six decimals. */
export function creditsToMicro(credits: string | number): Micro {
  const [, whole, fraction = ''] = /^(\d+)(?:\.(\d{1,6}))?$/.exec(String(credits)) ?? []
  if (whole === undefined) throw new RangeError(`not a number of credits with at most six decimals: ${credits}`)
  return toMicro(Number(BigInt(whole) * BigInt(microPerCredit) + BigInt(fraction.padEnd(6, '0'))))
}

/** Exact credits as plain decimal text, trailing zeros cut: 4200 µcr reads '0.0042'. The only form amounts leave the API in besides integers. */
export function microToCredits(amount: Micro): string {
  const fraction = String(amount % microPerCredit)
    .padStart(6, '0')
    .replace(/0+$/, '')
  const whole = String(Math.floor(amount / microPerCredit))
  return fraction === '' ? whole : `${whole}.${fraction}`
}

export function sum(amounts: Iterable<Micro>): Micro {
  let total = 0
  for (const amount of amounts) total += amount
  return toMicro(total)
}

/** `from - what`, never below zero: what a balance shows. */
export function less(from: number, what: number): Micro {
  return toMicro(Math.max(0, from - what))
}

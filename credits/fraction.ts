/** An exact, non-negative rational number in lowest terms. */
export interface Fraction {
  readonly numerator: bigint
  readonly denominator: bigint
}

export function fraction(numerator: bigint, denominator: bigint): Fraction {
  if (numerator < 0n || denominator <= 0n)
    throw new RangeError(`not a non-negative fraction: ${numerator}/${denominator}`)
  const divisor = greatestCommonDivisor(numerator, denominator)
  return { numerator: numerator / divisor, denominator: denominator / divisor }
}

/** Reads decimal text ('0.25', '1e-7') exactly. Throws RangeError for anything else, a minus sign included. */
export function parseDecimal(text: string): Fraction {
  const [, whole, digits = '', exponent = '0'] = /^(\d+)(?:\.(\d+))?(?:e([+-]?\d{1,3}))?$/i.exec(text) ?? []
  if (whole === undefined) throw new RangeError(`not a decimal number: ${text}`)
  const scale = Number(exponent) - digits.length
  const value = BigInt(whole + digits)
  return scale >= 0 ? fraction(value * 10n ** BigInt(scale), 1n) : fraction(value, 10n ** BigInt(-scale))
}

/** The number that a person would read: 0.1 is one tenth here, since its shortest decimal text is '0.1'. */
export function decimalOf(value: number): Fraction {
  return parseDecimal(String(value))
}

export function times(one: Fraction, other: Fraction): Fraction {
  return fraction(one.numerator * other.numerator, one.denominator * other.denominator)
}

/** Plain decimal text, exact; '' when the decimals never end. */
export function decimalText({ numerator, denominator }: Fraction): string {
  let decimals = 0
  let scaled = denominator
  while (scaled % 10n === 0n) [scaled, decimals] = [scaled / 10n, decimals + 1]
  while (scaled % 2n === 0n) [scaled, decimals] = [scaled / 2n, decimals + 1]
  while (scaled % 5n === 0n) [scaled, decimals] = [scaled / 5n, decimals + 1]
  if (scaled !== 1n) return ''
  const digits = ((numerator * 10n ** BigInt(decimals)) / denominator).toString().padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const rest = digits.slice(digits.length - decimals).replace(/0+$/, '')
  return rest === '' ? whole : `${whole}.${rest}`
}

export function leastCommonMultiple(numbers: Iterable<bigint>): bigint {
  let multiple = 1n
  for (const number of numbers) multiple = (multiple / greatestCommonDivisor(multiple, number)) * number
  return multiple
}

function greatestCommonDivisor(one: bigint, other: bigint): bigint {
  while (other !== 0n) [one, other] = [other, one % other]
  return one === 0n ? 1n : one
}

import { customType } from 'drizzle-orm/pg-core'

/** What the drivers hand out for a bigint (text, bigint or number) as a number. Throws RangeError beyond ±(2^53 - 1): never a float. */
export function wholeNumber(value: unknown): number {
  const number =
    typeof value === 'string' && /^-?\d+$/.test(value)
      ? Number(value)
      : typeof value === 'bigint'
        ? Number(value)
        : value
  if (typeof number !== 'number' || !Number.isSafeInteger(number))
    throw new RangeError(`not a whole number that is kept exactly: ${String(value)}`)
  return number
}

/** A bigint column that is read and written as a safe integer. */
export const whole = customType<{ data: number; driverData: string | number | bigint }>({
  dataType: () => 'bigint',
  fromDriver: wholeNumber,
  toDriver: (value) => String(wholeNumber(value)),
})

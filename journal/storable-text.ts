/** NUL and lone surrogates, which PostgreSQL cannot keep as text, become U+FFFD: a receipt must never be unstorable for one odd character. */
export function storableText(text: string): string {
  return text.replaceAll('\0', '\uFFFD').toWellFormed()
}

const suspicious = /\\u(?:0000|[dD][89a-fA-F])/

/** The same value with every string storable. Costs a scan of its JSON, and a copy only where something looked odd. */
export function storable<T>(value: T): T {
  const json = JSON.stringify(value)
  if (!suspicious.test(json)) return value
  return JSON.parse(json, (_, part: unknown) => (typeof part === 'string' ? storableText(part) : part)) as T
}

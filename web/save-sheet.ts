import type { Client } from '../react/index.ts'

const [quote, newline] = [0x22, 0x0a]

/**
 * Lets the browser save every charge of what `query` names (as the API takes it). Answers how many rows the sheet has, its head left aside. Throws Failure; an
 * answer that breaks off is no sheet.
 */
export async function saveSheet(client: Client, query: string, onRows: (rows: number) => void): Promise<number> {
  const answer = await client.open(`/credits/v1/export.csv${query}`)
  const parts: Uint8Array<ArrayBuffer>[] = []
  let lines = 0
  let isQuoted = false
  const reader = answer.body!.getReader()
  for (let next = await reader.read(); next.done !== true; next = await reader.read()) {
    parts.push(next.value)
    for (const byte of next.value) {
      if (byte === quote) isQuoted = !isQuoted
      else if (byte === newline && !isQuoted) lines += 1
    }
    onRows(Math.max(0, lines - 1))
  }
  const name = /filename="([^"]+)"/.exec(answer.headers.get('content-disposition') ?? '')?.[1] ?? 'credit-usage.csv'
  const link = document.createElement('a')
  link.href = URL.createObjectURL(new Blob(parts, { type: 'text/csv' }))
  link.download = name
  link.click()
  // The browser has taken it by then
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
  return lines - 1
}

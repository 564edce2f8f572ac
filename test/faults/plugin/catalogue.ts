import { readFileSync } from 'node:fs'
import type { Catalogue } from '../../../credits/catalogue.ts'
import { type Micro, toMicro } from '../../../credits/money.ts'
import { parseCatalogue } from '../../../credits/parse-catalogue.ts'

export const priceOfMail: Micro = toMicro(50_000)

/** The stand's catalogue, with the company's own activities. */
export function catalogueIn(file: string): Catalogue {
  const parsed = parseCatalogue(readFileSync(file, 'utf8'))
  if (!parsed.ok) throw new Error(`the catalogue of the stand is broken: ${file}`)
  const { catalogue } = parsed
  const mail = { name: 'mail', category: 'tool_calls', item: 'connected_app', price: priceOfMail, per: 'call' } as const
  return { ...catalogue, activities: [...catalogue.activities, mail, { name: 'research', free: true }] }
}

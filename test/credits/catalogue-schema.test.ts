import { readFileSync } from 'node:fs'

import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'

import { jsonSchemaOfCatalogue } from '../../credits/catalogue-schema.ts'

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')

test('catalogue.schema.json is what the schema says now; if not: npx node bin/write-catalogue-schema.ts && npm run format', () => {
  expect(JSON.parse(read('catalogue.schema.json'))).toEqual(JSON.parse(JSON.stringify(jsonSchemaOfCatalogue())))
})

test('the catalogue names its schema, so that editors complete and check it', () => {
  expect(read('catalogue.yaml')).toMatch(/^# yaml-language-server: \$schema=\.\/catalogue\.schema\.json\n/)
})

test('editors are told numbers, not text, and find nothing wrong with the catalogue', () => {
  const forEditors = z.fromJSONSchema(JSON.parse(read('catalogue.schema.json')))
  const catalogue: unknown = parse(read('catalogue.yaml'))
  expect(forEditors.safeParse(catalogue).error?.issues).toBeUndefined()
})

test.each([
  ['allowance: 1000,', "allowance: '1000',"],
  ['allowance: 1000,', 'allowance: -1,'],
  ['markup: 1', 'markup: 0'],
  ['alerts: [25', 'alerts: [250'],
  ['kind: ollama', 'kind: llama'],
  ['fairShare: 8', 'fairshare: 8'],
])('editors find what is wrong: %s as %s', (search, replacement) => {
  const forEditors = z.fromJSONSchema(JSON.parse(read('catalogue.schema.json')))
  expect(forEditors.safeParse(parse(read('catalogue.yaml').replace(search, replacement))).success).toBe(false)
})

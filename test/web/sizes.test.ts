import { readdirSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const dist = fileURLToPath(new URL('../../web/dist/', import.meta.url))
/** Compressed, kB: what goes over the wire. */
const size = (file: string): number => statSync(`${dist}${file}.gz`).size / 1_000
const sum = (files: readonly string[]): number => files.reduce((all, file) => all + size(file), 0)

const index = readFileSync(`${dist}index.html`, 'utf8')
const initial = [...index.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map(([, file]) => file!)
const built = readdirSync(`${dist}assets`).map((file) => `assets/${file}`)

test('what a first visit loads is small', () => {
  expect(initial.length).toBeGreaterThan(1)
  expect(sum(initial.filter((file) => file.endsWith('.js')))).toBeLessThan(110)
  expect(sum(built.filter((file) => file.endsWith('.css')))).toBeLessThan(12)
})

test('each page and the chart come when they are opened, and are small', () => {
  const lazy = built.filter((file) => file.endsWith('.js') && !initial.includes(file))
  expect(lazy.length).toBeGreaterThanOrEqual(6)
  for (const file of lazy) expect([file, size(file)]).toEqual([file, expect.toSatisfy((kb: number) => kb < 25)])
})

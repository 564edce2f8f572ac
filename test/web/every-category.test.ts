import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFormats } from '../../credits/formats.ts'
import { percentLeft } from '../../credits/level.ts'
import { creditsToMicro, toMicro } from '../../credits/money.ts'
import type { UsageRow } from '../../credits/usage-row.ts'
import type { TestUser } from '../gateway-api/api-stand.ts'
import { until } from '../stack/until.ts'
import { openWebStand, type WebStand } from './stand.ts'

let stand: WebStand

beforeAll(async () => void (stand = await openWebStand()), 120_000)
afterAll(() => stand?.close())

const formats = createFormats('en')
const ai = (tier: string, model: string): Partial<UsageRow> => ({ category: 'ai_usage', tier, model })
const plain = { tier: '', model: '' } as const
const rows: readonly Partial<UsageRow>[] = [
  ai('fast', 'openai/gpt-5-nano'),
  ai('standard', 'openai/gpt-6-sol'),
  ai('advanced', 'practice/o1-pro'),
  { ...plain, category: 'tool_calls', item: 'image.standard' },
  { ...plain, category: 'tool_calls', item: 'image.hd' },
  { ...plain, category: 'tool_calls', item: 'mail' },
  { ...plain, category: 'internal', item: 'safety' },
  { ...plain, category: 'internal', item: 'memory' },
  { ...plain, category: 'compute_runtime' },
  { ...plain, category: 'tasks_completed' },
  { ...plain, category: 'voice_calls', item: 'voice' },
  { ...plain, category: 'voice_calls', item: 'meeting' },
]
const messages = ['web-ada.q1', 'web-ada.q2', 'web-ada.q3'] as const
const charges = fc.array(
  fc.record({
    row: fc.constantFrom(...rows),
    // From nearly nothing to some credits
    amount: fc.oneof(fc.integer({ min: 1, max: 9_999 }), fc.integer({ min: 10_000, max: 12_000_000 })),
    messageId: fc.constantFrom(...messages, ''),
  }),
  { minLength: 60, maxLength: 60 },
)
const seed = 20_261_123

/** The page's company is not here: it is told that these messages were answered. */
async function withMessages(page: Page): Promise<void> {
  const answered = messages.map((id) => ({ id, from: 'employee', text: 'Done.', state: 'done' }))
  await page.route('**/company/conversations/web-ada', (route) => route.fulfill({ json: { messages: answered } }))
  await page.route('**/company/conversations/web-ada/events', (route) =>
    route.fulfill({ contentType: 'text/event-stream', body: '' }),
  )
}
const exactly = (text: string | null): number => creditsToMicro(/[\d,.]+/.exec(text ?? '')![0].replaceAll(',', ''))

test('bar, dropdown, table, inspect, sheet, API and journal show the same, whatever was spent on what', async () => {
  const user: TestUser = await stand.api.user()
  await stand.api.ask('POST', '/credits/v1/employees', { as: user.key, body: { id: 'ada', name: 'Ada' } })
  const [spent] = fc.sample(charges, { numRuns: 1, seed })
  for (const { row, amount, messageId } of spent!)
    await stand.api.charge(user.accountId, {
      amount: toMicro(amount),
      row: { ...row, employee: 'ada' },
      detail: { messageId, lines: [{ kind: 'input', quantity: 1, unit: 'token', rate: '', amount: toMicro(amount) }] },
    })
  const total = spent!.reduce((sum, { amount }) => sum + amount, 0)
  const ofCategory = (category: string) =>
    spent!.filter(({ row }) => row.category === category).reduce((sum, { amount }) => sum + amount, 0)
  const bonus = creditsToMicro(1_000)
  const remaining = toMicro(bonus - total)

  // API
  const api = async (path: string) => (await stand.api.ask('GET', `/credits/v1${path}`, { as: user.key })).body
  expect(await api('/balance')).toMatchObject({ used: total, remaining })
  const usage = await api('/usage')
  expect(usage.total).toBe(total)
  const items = (await api('/activity?limit=200')).items as { credits: number }[]
  expect(items.reduce((sum, { credits }) => sum + credits, 0)).toBe(total)

  // Journal
  await stand.api.drain(user.accountId)
  const { epochs } = await stand.api.deps.journal.totals(user.accountId)
  const journalled = epochs.flatMap(({ rows: booked }) => Object.values(booked)).map(({ charged }) => charged)
  expect(journalled.reduce((sum, charged) => sum + charged, 0)).toBe(total)

  // Bar and dropdown
  const { open } = await stand.profile(user)
  const page = await open('/settings/subscription/credit-usage')
  await page.getByRole('button', { name: `Free plan, ${percentLeft(remaining, bonus)} left`, exact: true }).click()
  const menu = page.getByRole('dialog', { name: 'Credits' })
  await menu.getByText(`${formats.remaining(remaining)} credits left of 1,000`).waitFor()
  const lines = menu.locator('.cr-breakdown > li > .cr-line')
  await lines.first().waitFor()
  const byLine = await lines.evaluateAll((all) => all.map((line) => line.querySelector('.cr-amount')!.textContent))
  const categories = ['ai_usage', 'tool_calls', 'internal', 'compute_runtime', 'tasks_completed', 'voice_calls']
  expect(byLine).toEqual(categories.map((category) => formats.spend(ofCategory(category))))
  await page.keyboard.press('Escape')

  // Table
  await page.getByRole('checkbox', { name: 'Exact values' }).check()
  const table = page.getByRole('region', { name: 'Where credits went' }).getByRole('table')
  await until(async () => exactly(await table.locator('tfoot .number').first().textContent()) === total)
  for (const category of categories) {
    const cell = table.locator(`[data-key=${category}] td`).nth(1)
    expect([category, exactly(await cell.textContent())]).toEqual([category, ofCategory(category)])
  }

  // Sheet
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export CSV' }).click(),
  ])
  const [head, ...sheet] = (await readFile(await download.path(), 'utf8')).trim().split('\r\n')
  // Names before it may have commas
  const creditsOf = (line: string) => line.split(',').at(-3)!
  expect(creditsOf(head!)).toBe('credits')
  expect(sheet).toHaveLength(spent!.length)
  expect(sheet.reduce((sum, line) => sum + creditsToMicro(creditsOf(line)), 0)).toBe(total)

  // Inspect
  const chat = await open('/employees')
  await withMessages(chat)
  await chat.goto(`${stand.url}/chat/ada`)
  const inspected: Record<string, number> = {}
  for (const [index, id] of messages.entries()) {
    await chat.locator('.message').nth(index).getByRole('button', { name: 'Inspect' }).click()
    const dialog = chat.getByRole('dialog', { name: 'What this message cost' })
    inspected[id] = exactly(await dialog.locator('.cr-menu-count').textContent())
    const parts = await dialog.locator('tbody tr td:last-child').allTextContents()
    expect(parts.map(exactly).reduce((sum, part) => sum + part, 0)).toBe(inspected[id])
    await chat.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  }
  const ofMessage = (id: string) =>
    spent!.filter(({ messageId }) => messageId === id).reduce((sum, { amount }) => sum + amount, 0)
  expect(inspected).toEqual(Object.fromEntries(messages.map((id) => [id, ofMessage(id)])))
}, 120_000)

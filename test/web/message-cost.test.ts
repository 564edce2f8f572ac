import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { creditsToMicro, toMicro, zero } from '../../credits/money.ts'
import { openWebStand, violationsOf, type WebStand } from './stand.ts'

let stand: WebStand
let backEnd: Server

/** Answers of one conversation, whose costs the test makes. */
const answers = ['local', 'small', 'cut', 'failed', 'unknown'] as const

beforeAll(async () => {
  const messages = answers.map((id) => ({ id, from: 'employee', text: `Answer ${id}`, state: 'done' }))
  // What a product of one's own would answer
  backEnd = createServer((request, response) => {
    if (request.url!.endsWith('/events')) return void response.writeHead(200, { 'content-type': 'text/event-stream' })
    return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ messages }))
  })
  await new Promise<void>((resolve) => backEnd.listen(0, '127.0.0.1', resolve))
  stand = await openWebStand({ companyUrl: `http://127.0.0.1:${(backEnd.address() as AddressInfo).port}` })
}, 120_000)
afterAll(async () => {
  await stand?.close()
  backEnd.close()
  backEnd.closeAllConnections()
})

const costOf = (page: Page, id: string) =>
  page
    .locator('.message')
    .filter({ hasText: `Answer ${id}` })
    .locator('.cr-cost')

test('of each answer is said in words: local, very small, cut off, failed, not known; all are asked for at once', async () => {
  const user = await stand.api.user()
  await stand.api.ask('POST', '/credits/v1/employees', { as: user.key, body: { id: 'ada', name: 'Ada' } })
  const charge = (messageId: string, call: Parameters<typeof stand.api.charge>[1]) =>
    stand.api.charge(user.accountId, { ...call, detail: { messageId, ...call?.detail } })
  await charge('local', {
    amount: zero,
    row: { model: 'ollama/llama4', tier: 'standard' },
    detail: { lines: [{ kind: 'output', quantity: 200, unit: 'token', rate: '0', amount: zero }] },
  })
  await charge('local', { amount: zero, row: { category: 'tool_calls', item: 'web.search', tier: '', model: '' } })
  await charge('small', { amount: toMicro(4_200) })
  await charge('cut', { amount: creditsToMicro('1.5'), detail: { outcome: 'stopped_at_zero' } })
  await charge('failed', { amount: zero, detail: { outcome: 'failed' } })
  const { context, open, complaints } = await stand.profile(user)
  const asked: string[] = []
  context.on('request', (request) => {
    if (request.url().includes('/credits/v1/messages')) asked.push(request.url())
  })
  const page = await open('/chat/ada')
  await costOf(page, 'local').getByText('0 credits · local model').waitFor()
  await costOf(page, 'small').getByText('<0.01 credits').waitFor()
  await costOf(page, 'cut').getByText('1.50 credits for what was done').waitFor()
  await costOf(page, 'failed').getByText('Not charged').waitFor()
  await costOf(page, 'unknown').getByText('Calculating…').waitFor()
  expect(asked).toHaveLength(1)
  await costOf(page, 'local').getByRole('button', { name: 'Inspect' }).click()
  const dialog = page.getByRole('dialog', { name: 'What this message cost' })
  await dialog.getByRole('row', { name: /^Web search × 1 +free$/ }).waitFor()
  await dialog.getByRole('row', { name: /^Output tokens 200 tokens .* 0$/ }).waitFor()
  expect(await dialog.locator('tfoot td').textContent()).toBe('0')
  expect(await violationsOf(page)).toEqual([])
  await page.keyboard.press('Escape')
  await costOf(page, 'small').getByRole('button', { name: 'Inspect' }).click()
  await dialog.getByText('0.0042').first().waitFor()
  await page.keyboard.press('Escape')
  await costOf(page, 'unknown').getByText('Cost not available yet').waitFor()
  await charge('unknown', { amount: creditsToMicro('3') })
  await costOf(page, 'unknown').getByText('3.00 credits').waitFor()
  // This gateway has no estimates
  expect(complaints.filter((text) => !text.includes('/estimate'))).toEqual([])
})

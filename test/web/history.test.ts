import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFormats } from '../../credits/formats.ts'
import { type DemoStack, openDemoStack } from './demo-stack.ts'

let stack: DemoStack
let state: Awaited<ReturnType<DemoStack['signIn']>>

beforeAll(async () => {
  stack = await openDemoStack()
  state = await stack.signIn()
}, 120_000)
afterAll(() => stack?.close(), 60_000)

const formats = createFormats('en')
const history = (page: Page) => page.getByRole('region', { name: 'Usage history' })

interface Period {
  readonly period: number
  readonly used: number
  readonly current: boolean
}
interface Line {
  readonly key: string
  readonly credits: number
}

test('earlier periods open to six categories that sum to what they used, the same wherever they are looked at', async () => {
  const seen: string[][] = []
  for (const timezoneId of ['America/Los_Angeles', 'Asia/Tokyo', 'Pacific/Kiritimati']) {
    const context = await stack.browser.newContext({ storageState: state, baseURL: stack.gatewayUrl, timezoneId })
    const page = await context.newPage()
    await page.goto('/settings/subscription/credit-usage')
    await page.getByRole('checkbox', { name: 'Exact values' }).check()
    const rows = history(page).locator('tbody tr[data-period]')
    await rows.first().waitFor()
    const told = async (path: string) => (await context.request.get(`/credits/v1${path}`)).json()
    const earlier = ((await told('/history')).items as Period[]).filter(({ current }) => !current)
    expect(await rows.count()).toBe(earlier.length)
    expect(earlier.length).toBeGreaterThanOrEqual(3)
    for (const { period, used } of earlier) {
      const row = history(page).locator(`tr[data-period="${period}"]`)
      expect(await row.locator('td').first().textContent()).toBe(formats.exact(used))
      await row.getByRole('button').click()
      const categories = history(page)
        .locator(`tr[data-period="${period}"] + tr`)
        .locator('table')
        .first()
        .locator(':scope > tbody > tr')
      await categories.nth(5).waitFor()
      const usage = (await told(`/usage?period=${period}`)) as { readonly total: number; readonly rows: Line[] }
      expect(usage.total).toBe(used)
      expect(usage.rows.reduce((sum, { credits }) => sum + credits, 0)).toBe(used)
      expect(
        await categories.evaluateAll((all) =>
          all.map((line) => [line.dataset['key'], line.querySelectorAll('td')[1]!.textContent]),
        ),
      ).toEqual(usage.rows.map(({ key, credits }) => [key, formats.exact(credits)]))
      await row.getByRole('button').click()
    }
    const days = await page.locator('.cr-chart-table tbody th').allTextContents()
    seen.push([...(await rows.locator('bdi').allTextContents()), ...days])
    await context.close()
  }
  expect(seen[1]).toEqual(seen[0])
  expect(seen[2]).toEqual(seen[0])
}, 120_000)

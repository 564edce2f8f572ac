import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { creditsToMicro, toMicro } from '../../credits/money.ts'
import { adminKey, type TestUser } from '../gateway-api/api-stand.ts'
import { until } from '../stack/until.ts'
import { openWebStand, violationsOf, type WebStand } from './stand.ts'

let stand: WebStand

beforeAll(async () => void (stand = await openWebStand()), 120_000)
afterAll(() => stand?.close())

const credits = creditsToMicro
const usagePath = '/settings/subscription/credit-usage'
const spend = (user: TestUser, amount: string, row: Parameters<WebStand['api']['charge']>[1] = {}) =>
  stand.api.charge(user.accountId, { amount: credits(amount), ...row })
const grant = (user: TestUser, amount: string) =>
  stand.api.ask('POST', `/admin/v1/accounts/${user.accountId}/grants`, {
    as: adminKey,
    body: { credits: amount, source: 'pack', reason: 'Small' },
  })
const totalOf = (page: Page) => page.locator('tfoot .number').first()
const shows = (page: Page, total: string) => until(async () => (await totalOf(page).textContent()) === total)
const open = async (user: TestUser, search = '') => (await stand.profile(user)).open(`${usagePath}${search}`)
const fitsSideways = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)

describe('the table', () => {
  test('is the tree of the API down to the model, to the micro-credit', async () => {
    const user = await stand.api.user()
    await spend(user, '0.004242')
    await spend(user, '3.4')
    const { open: openPage, complaints } = await stand.profile(user)
    const page = await openPage(usagePath)
    await page.getByRole('checkbox', { name: 'Exact values' }).check()
    const { body } = await stand.api.ask('GET', '/credits/v1/usage', { as: user.key })
    await shows(page, '3.404242')
    expect(body.total).toBe(3_404_242)
    const table = page.getByRole('region', { name: 'Where credits went' }).getByRole('table')
    for (;;) {
      const closed = table.locator('[aria-expanded=false]')
      if ((await closed.count()) === 0) break
      await closed.first().click()
    }
    const readRows = () =>
      table
        .locator('tbody tr')
        .evaluateAll((rows) => rows.map((row) => [row.dataset['key'], row.querySelectorAll('td')[1]!.textContent]))
    const shown = await readRows()
    interface Line {
      key: string
      credits: number
      children?: Line[]
    }
    const flat = (lines: Line[]): [string, number][] =>
      lines.flatMap(({ key, credits: amount, children = [] }) => [[key, amount], ...flat(children)])
    expect(shown.map(([key, text]) => [key, Math.round(Number(text) * 1_000_000)])).toEqual(flat(body.rows))
    expect(await violationsOf(page)).toEqual([])
    // What is open, and how exact it is, stays so through a reload
    await page.reload()
    await shows(page, '3.404242')
    expect(await readRows()).toEqual(shown)
    expect(complaints).toEqual([])
  })

  test('of each organization sums to that of all, and the address says which it is', async () => {
    const user = await stand.api.user()
    for (const name of ['Acme', 'Beta']) {
      const body = { id: name.toLowerCase(), name }
      await stand.api.ask('POST', '/credits/v1/organizations', { as: user.key, body })
    }
    await spend(user, '12', { row: { organization: 'acme' } })
    await spend(user, '30', { row: { organization: 'beta' } })
    const page = await open(user)
    await shows(page, '42.00')
    const filter = page.getByLabel('Organization', { exact: true })
    await filter.selectOption('Acme')
    await shows(page, '12.00')
    await filter.selectOption('Beta')
    await shows(page, '30.00')
    expect(page.url()).toBe(`${stand.url}${usagePath}?org=beta`)
    await page.getByLabel('Group by').selectOption('Organization')
    await page.getByRole('rowheader', { name: 'beta' }).waitFor()
    await page.reload()
    await page.getByRole('rowheader', { name: 'beta' }).waitFor()
    await shows(page, '30.00')
    await page.goBack()
    await page.getByRole('rowheader', { name: 'AI Usage' }).waitFor()
    await filter.selectOption('All organizations')
    await shows(page, '42.00')
    // One balance for all of them
    await page.getByText('One balance is shared by all your organizations.').waitFor()
  })

  test('reads the same wherever in the world it is looked at', async () => {
    const user = await stand.api.user()
    await spend(user, '7.25')
    const seen: (string | null)[][] = []
    for (const timezoneId of ['America/Los_Angeles', 'Asia/Tokyo', 'Pacific/Kiritimati']) {
      const page = await (await stand.profile(user, { timezoneId })).open(`${usagePath}?period=last-7`)
      await shows(page, '7.25')
      await page.getByText('View as table').click()
      seen.push(await page.locator('.cr-chart-table tr, h1 + p, tfoot').allTextContents())
    }
    expect(seen[1]).toEqual(seen[0])
    expect(seen[2]).toEqual(seen[0])
  })

  test('of days that make no sense is not asked for', async () => {
    const page = await open(await stand.api.user(), '?period=2026-01-01..2026-01-31')
    await page.getByRole('textbox', { name: 'To', exact: true }).fill('2025-12-31')
    await page.getByRole('alert').filter({ hasText: 'lies before the first' }).waitFor()
    await page.getByRole('textbox', { name: 'To', exact: true }).fill('2026-05-01')
    await page.getByRole('alert').filter({ hasText: 'at most 92 days' }).waitFor()
    expect(await page.getByRole('button', { name: 'Show' }).isDisabled()).toBe(true)
    await page.getByRole('textbox', { name: 'To', exact: true }).fill('2026-02-28')
    await page.getByRole('button', { name: 'Show' }).click()
    await until(async () => page.url().endsWith('?period=2026-01-01..2026-02-28'))
  })
})

describe('the chart', () => {
  test('goes from day to day by arrow keys, says what each was, and sums to the total', async () => {
    const user = await stand.api.user()
    await spend(user, '12.5')
    await spend(user, '2', { row: { category: 'tool_calls', item: 'gmail', tier: '', model: '' } })
    const page = await open(user, '?period=last-7')
    const chart = page.getByRole('slider', { name: 'Credits by day' })
    const words = () => chart.getAttribute('aria-valuetext')
    await until(async () => /: 14.50 credits, mostly AI Usage$/.test((await words()) ?? ''))
    await chart.focus()
    await page.keyboard.press('ArrowLeft')
    expect(await words()).toMatch(/: 0 credits$/)
    await page.keyboard.press('Home')
    expect(await chart.getAttribute('aria-valuenow')).toBe('0')
    await page.keyboard.press('End')
    expect(await words()).toMatch(/: 14.50 credits/)
    // One stop: the next one is what comes after the chart
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('SUMMARY')
    await page.keyboard.press('Enter')
    const totals = await page.locator('.cr-chart-table tbody td:last-child').allTextContents()
    expect(totals).toEqual(['0', '0', '0', '0', '0', '0', '14.50'])
    expect(await page.locator('.cr-legend li').allTextContents()).toEqual([' AI Usage', ' Tool Calls'])
    expect(await violationsOf(page)).toEqual([])
  })

  test.each([
    [1280, 'light'],
    [1280, 'dark'],
    [320, 'light'],
    [320, 'dark'],
  ] as const)('and all around it fits %i pixels, %s', async (width, colorScheme) => {
    const user = await stand.api.user()
    await spend(user, '12.5')
    const { open: openPage, complaints } = await stand.profile(user, { viewport: { width, height: 800 }, colorScheme })
    const page = await openPage(`${usagePath}?period=last-30`)
    await page.locator('.cr-chart svg rect[fill]').first().waitFor()
    await page.getByRole('rowheader', { name: 'Welcome bonus' }).waitFor()
    const svg = await page.locator('.cr-chart-plot > svg').boundingBox()
    expect(svg!.width).toBeLessThanOrEqual(width)
    expect(await fitsSideways(page)).toBe(true)
    expect(await violationsOf(page)).toEqual([])
    expect(complaints).toEqual([])
  })
})

describe('grants', () => {
  test('are listed as they come, with what is left of each, by source and page', async () => {
    const user = await stand.api.user()
    const page = await open(user)
    const list = page.getByRole('region', { name: 'Credit grants' })
    await list.getByRole('row', { name: /Welcome bonus 1,000.00 1,000 Active When used up/ }).waitFor()
    await grant(user, '500')
    await list.getByRole('row', { name: /Credit pack.* 500.00 500 Active/ }).waitFor()
    await spend(user, '100')
    // What resets first is spent first
    await list.getByRole('row', { name: /Credit pack.* 500.00 400 Active/ }).waitFor()
    await list.getByLabel('Source').selectOption('Promo code')
    await list.getByText('No credits of this source yet.').waitFor()
    await list.getByLabel('Source').selectOption('All sources')
    for (let count = 0; count < 25; count += 1) await grant(user, '1')
    await list.getByRole('button', { name: 'Older' }).click()
    await list.getByRole('row', { name: /Welcome bonus/ }).waitFor()
    expect(await list.locator('tbody tr').count()).toBe(2)
    await list.getByRole('button', { name: 'Newer' }).click()
    await until(async () => (await list.locator('tbody tr').count()) === 25)
  })
})

test('the first full period is announced where there is none yet', async () => {
  const page = await open(await stand.api.user())
  const announced = page.getByText(/^Your first full month appears here on \w{3} \d+\.$/)
  await announced.waitFor()
  expect(await announced.count()).toBe(1)
})

test('the sheet has what the page shows, and says how much that is', async () => {
  const user = await stand.api.user()
  await spend(user, '0.0042', { row: { employee: 'ada', organization: 'acme' } })
  await spend(user, '2.5', { row: { organization: 'acme' } })
  await spend(user, '9', { row: { organization: 'beta' } })
  const page = await open(user, '?org=acme')
  await page.getByRole('checkbox', { name: 'Exact values' }).check()
  await shows(page, '2.5042')
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export CSV' }).click(),
  ])
  expect(download.suggestedFilename()).toMatch(/^credit-usage_\d{4}-\d\d-\d\d_\d{4}-\d\d-\d\d_UTC\.csv$/)
  await page.getByText('Exported 2 rows').waitFor()
  const [head, ...lines] = (await readFile(await download.path(), 'utf8')).trim().split('\r\n')
  const place = head!.split(',').indexOf('credits')
  const sum = lines.reduce((all, line) => all + credits(line.split(',')[place]!), 0)
  expect(toMicro(sum)).toBe(credits('2.5042'))
})

test('a sheet that breaks off is none, and the page says why', async () => {
  const user = await stand.api.user()
  const { context, open: openPage } = await stand.profile(user)
  const away = { error: { code: 'journal_unavailable', message: 'the journal is away', requestId: 'req-1' } }
  await context.route('**/credits/v1/export.csv', (route) => route.fulfill({ status: 503, json: away }))
  const page = await openPage(usagePath)
  await page.getByRole('button', { name: 'Export CSV' }).click()
  await page.getByRole('alert').filter({ hasText: 'The export failed: the journal is away' }).waitFor()
  expect(await page.getByText('Exported').count()).toBe(0)
})

test.each([
  ['usage', 'Where credits went', 'rowheader', 'AI Usage'],
  ['grants', 'Credit grants', 'rowheader', 'Welcome bonus'],
  ['history', 'Usage history', 'paragraph', 'Your first full month'],
] as const)('%s that fails alone says so, comes by a new try, and leaves the rest', async (path, title, role, text) => {
  const user = await stand.api.user()
  for (const broken of [
    { status: 500, body: '' },
    { status: 200, body: '{"items": [' },
  ]) {
    const { context, open: openPage } = await stand.profile(user)
    await context.route(`**/credits/v1/${path}`, (route) => route.fulfill(broken))
    const page = await openPage(usagePath)
    const failed = page.getByRole('alert').filter({ hasText: `${title} could not be loaded` })
    await failed.waitFor()
    await page.getByRole('button', { name: 'Free plan, 100% left' }).waitFor()
    if (path !== 'grants') await page.getByRole('rowheader', { name: 'Welcome bonus' }).waitFor()
    if (path !== 'usage') await page.getByRole('rowheader', { name: 'AI Usage' }).waitFor()
    expect(await page.getByRole('main').getByRole('alert').count()).toBe(1)
    await context.unroute(`**/credits/v1/${path}`)
    await failed.getByRole('button', { name: 'Try again' }).click()
    const region = page.getByRole('region', { name: title })
    await region.getByRole(role).filter({ hasText: text }).first().waitFor()
    expect(await page.getByRole('main').getByRole('alert').count()).toBe(0)
  }
})

test('figures are written as the browser’s language writes them', async () => {
  const user = await stand.api.user()
  await grant(user, '5000')
  await spend(user, '1234.567')
  await spend(user, '0.0042', { row: { model: 'openai/gpt-5', tier: 'standard' } })
  const { open: openPage } = await stand.profile(user, { locale: 'de-DE' })
  const page = await openPage(usagePath)
  const cells = async (name: RegExp) => {
    const row = page.getByRole('region', { name: 'Where credits went' }).getByRole('row', { name })
    return (await row.getByRole('cell').allTextContents()).slice(0, 2)
  }
  await page.getByRole('button', { name: 'AI Usage' }).click()
  expect(await cells(/AI Usage/)).toEqual(['2.400 tokens', '1.234,57'])
  expect(await cells(/Standard/)).toEqual(['1.200 tokens', expect.stringMatching(/^<0,01/)])
  await page.getByRole('checkbox', { name: 'Exact values' }).check()
  expect(await cells(/AI Usage/)).toEqual(['2.400 tokens', '1.234,5712'])
  expect(await cells(/Standard/)).toEqual(['1.200 tokens', '0,0042'])
})

test('sections whose answers never come say so, each by itself, and come by a new try', async () => {
  const user = await stand.api.user()
  const { context, open: openPage } = await stand.profile(user)
  await context.route(/\/credits\/v1\/(usage|history)$/, () => new Promise(() => {}))
  const page = await openPage(usagePath)
  await page.getByRole('rowheader', { name: 'Welcome bonus' }).waitFor()
  const failed = (title: string) =>
    page.getByRole('alert').filter({ hasText: `${title} could not be loaded: no answer came in time` })
  await Promise.all([failed('Where credits went').waitFor(), failed('Usage history').waitFor()])
  await context.unrouteAll({ behavior: 'ignoreErrors' })
  await failed('Where credits went').getByRole('button', { name: 'Try again' }).click()
  await page.getByRole('rowheader', { name: 'AI Usage' }).waitFor()
  expect(await failed('Usage history').count()).toBe(1)
})

import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { creditsToMicro } from '../../credits/money.ts'
import type { TestUser } from '../gateway-api/api-stand.ts'
import { until } from '../stack/until.ts'
import { openWebStand, violationsOf, type WebStand } from './stand.ts'

let stand: WebStand

beforeAll(async () => void (stand = await openWebStand()), 120_000)
afterAll(() => stand?.close())

const hire = ({ key }: TestUser, id: string, name: string) =>
  stand.api.ask('POST', '/credits/v1/employees', { as: key, body: { id, name } })
const employee = async ({ key }: TestUser, id: string) =>
  (await stand.api.ask('GET', '/credits/v1/employees', { as: key })).body.items.find(
    (each: { id: string }) => each.id === id,
  )
const budgets = async ({ key }: TestUser) => (await stand.api.ask('GET', '/credits/v1/budgets', { as: key })).body.items
const setBudget = ({ key }: TestUser, credits: string, rule: object = {}) =>
  stand.api.ask('PUT', '/credits/v1/budgets/employee:ada', {
    as: key,
    body: { limit: creditsToMicro(credits), window: 'month', atLimit: 'stop', ...rule },
  })
const spend = ({ accountId }: TestUser, amount: string) =>
  stand.api.charge(accountId, { amount: creditsToMicro(amount), levels: ['employee:ada'] })
async function company(): Promise<TestUser> {
  const user = await stand.api.user()
  await hire(user, 'ada', 'Ada')
  await hire(user, 'bo', 'Bo')
  return user
}
const choose = (page: Page, label: string, value: string) => page.getByLabel(label, { exact: true }).selectOption(value)

describe('an employee', () => {
  test('is in the list, and is given a tier and a model of its own', async () => {
    const user = await company()
    const { open, complaints } = await stand.profile(user)
    const page = await open('/employees')
    const row = page.getByRole('row').filter({ hasText: 'Ada' })
    await row.getByText('No budget').waitFor()
    expect(await violationsOf(page)).toEqual([])
    await row.getByRole('link', { name: 'Ada' }).click()
    await page.getByRole('heading', { name: 'Ada', level: 1 }).waitFor()
    await choose(page, 'Tier', 'advanced')
    await choose(page, 'Model', 'practice/gpt-6-sol')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('status').filter({ hasText: 'Saved' }).waitFor()
    expect(await employee(user, 'ada')).toMatchObject({ tier: 'advanced', model: 'practice/gpt-6-sol' })
    expect(await employee(user, 'bo')).toMatchObject({ tier: 'standard', model: '' })
    expect(await violationsOf(page)).toEqual([])
    expect(complaints).toEqual([])
  })

  test('that is not there is not found', async () => {
    const page = await (await stand.profile(await company())).open('/employees/nobody')
    await page.getByRole('heading', { name: 'Page not found' }).waitFor()
    expect(await page.getByRole('button', { name: 'Save budget' }).count()).toBe(0)
  })
})

describe('a budget', () => {
  test('is set, shows live what is used of it, warns below that, is raised for a while and removed', async () => {
    const user = await company()
    const { open, complaints } = await stand.profile(user)
    const page = await open('/employees/ada')
    await page.getByRole('spinbutton', { name: 'Credits', exact: true }).fill('200')
    await choose(page, 'At the limit', 'pause')
    await page.getByRole('button', { name: 'Save budget' }).click()
    await page.getByText('Used 0 of 200 this month: 200 left').waitFor()
    await spend(user, '150')
    await page.getByText('Used 150.00 of 200 this month: 50 left Low').waitFor()
    expect(await violationsOf(page)).toEqual([])
    await page.getByRole('spinbutton', { name: 'Credits', exact: true }).fill('120.5')
    await page.getByText('150.00 credits are used already: the employee pauses immediately.').waitFor()
    await page.getByRole('button', { name: 'Save budget' }).click()
    await page.getByText('Used 150.00 of 120.5 this month: 0 left Reached').waitFor()
    expect(await budgets(user)).toMatchObject([{ limit: creditsToMicro('120.5'), atLimit: 'pause', status: 'reached' }])

    await page.getByText('Raise it for a while').click()
    await page.getByLabel('To credits').fill('300')
    await page.getByRole('button', { name: 'Raise budget' }).click()
    await page.getByText('Used 150.00 of 300 this month: 150 left').waitFor()
    await page.getByText(/^Raised until /).waitFor()
    await page.getByRole('button', { name: 'Remove budget' }).click()
    await page.getByText('No budget').waitFor()
    expect(await budgets(user)).toEqual([])
    expect(complaints).toEqual([])
  })

  test('that was changed elsewhere is not overwritten', async () => {
    const user = await company()
    await setBudget(user, '100')
    const { context, open } = await stand.profile(user)
    let [isBlind, underWay] = [false, 0]
    await context.route('**/credits/v1/budgets', async (route) => {
      if (isBlind) return route.abort()
      underWay += 1
      await route.fulfill({ response: await route.fetch() })
      underWay -= 1
    })
    const page = await open('/employees/ada')
    await page.getByText('Used 0 of 100 this month: 100 left').waitFor()
    // As long as the page does not hear of it
    isBlind = true
    await until(() => Promise.resolve(underWay === 0))
    await setBudget(user, '80')
    await page.getByRole('spinbutton', { name: 'Credits', exact: true }).fill('90')
    await page.getByRole('button', { name: 'Save budget' }).click()
    const conflict = page.getByRole('alert').filter({ hasText: 'Changed elsewhere.' })
    await conflict.waitFor()
    isBlind = false
    await conflict.getByRole('button', { name: 'Reload' }).click()
    await page.getByText('Used 0 of 80 this month: 80 left').waitFor()
    expect(await page.getByRole('spinbutton', { name: 'Credits', exact: true }).inputValue()).toBe('80')
    expect(await budgets(user)).toMatchObject([{ limit: creditsToMicro('80') }])
  })

  test('that is used up covers the chat with its employee alone, and comes off when it is raised elsewhere', async () => {
    const user = await company()
    await setBudget(user, '5', { atLimit: 'pause' })
    const { open } = await stand.profile(user)
    const page = await open('/chat/ada')
    const composer = page.getByRole('textbox', { name: 'Message to Ada' })
    await composer.fill('a draft')
    await spend(user, '5')
    const overlay = page.getByRole('group', { name: 'Budget reached' })
    await overlay.getByText('Ada has used its budget of 5 credits for this month.').waitFor()
    expect(await composer.isDisabled()).toBe(true)
    expect(await page.locator('.cr-bar').getAttribute('data-level')).toBe('ok')
    expect(await overlay.getByRole('link', { name: 'Raise budget' }).getAttribute('href')).toBe('/employees/ada#budget')
    expect(await violationsOf(page)).toEqual([])
    await setBudget(user, '50', { atLimit: 'pause' })
    await overlay.waitFor({ state: 'detached' })
    expect(await composer.inputValue()).toBe('a draft')

    await setBudget(user, '5', { atLimit: 'pause' })
    await overlay.getByRole('link', { name: 'Switch employee' }).click()
    await page.getByRole('textbox', { name: 'Message to Bo' }).waitFor()
    expect(await page.getByRole('textbox', { name: 'Message to Bo' }).isEnabled()).toBe(true)
  })

  test('that only notifies covers nothing', async () => {
    const user = await company()
    await setBudget(user, '5', { atLimit: 'notify' })
    await spend(user, '6')
    const page = await (await stand.profile(user)).open('/chat/ada')
    const asked = page.waitForResponse('**/credits/v1/budgets')
    await page.reload()
    await asked
    await page.getByRole('textbox', { name: 'Message to Ada' }).fill('Hello')
    expect(await page.getByRole('group', { name: 'Budget reached' }).count()).toBe(0)
  })
})

test.each([
  [1280, 'dark', 'ltr'],
  [320, 'light', 'rtl'],
] as const)('the pages fit %i pixels, %s, %s', async (width, colorScheme, direction) => {
  const user = await company()
  await setBudget(user, '100')
  const { open, complaints } = await stand.profile(user, { viewport: { width, height: 800 }, colorScheme })
  for (const path of ['/employees', '/employees/ada']) {
    const page = await open(path)
    await page.getByText('Used 0 of 100 this month: 100 left').waitFor()
    await page.evaluate((dir) => void (document.documentElement.dir = dir), direction)
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    expect(await violationsOf(page)).toEqual([])
  }
  expect(complaints).toEqual([])
})

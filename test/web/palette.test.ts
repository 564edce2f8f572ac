import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestUser } from '../gateway-api/api-stand.ts'
import { openWebStand, violationsOf, type WebStand } from './stand.ts'

let stand: WebStand

beforeAll(async () => void (stand = await openWebStand()), 120_000)
afterAll(() => stand?.close())

async function company(): Promise<TestUser> {
  const user = await stand.api.user()
  await stand.api.ask('POST', '/credits/v1/employees', { as: user.key, body: { id: 'ada', name: 'Ada' } })
  return user
}
const palette = (page: Page) => page.getByRole('dialog', { name: 'Commands' })
async function type(page: Page, words: string): Promise<void> {
  await page.keyboard.press('Control+k')
  await palette(page).getByRole('option').first().waitFor()
  await page.keyboard.type(words)
}
const isOpen = (page: Page) => page.getByRole('button', { name: / left/ }).waitFor()

test('commands are found by typing, chosen by arrows and run by Enter; Escape gives the focus back', async () => {
  const { open, complaints } = await stand.profile(await company())
  const page = await open('/employees')
  await isOpen(page)
  const link = page.getByRole('link', { name: 'Settings' })
  await link.focus()
  await type(page, 'ada')
  const options = palette(page).getByRole('option')
  await options.filter({ hasText: 'Open Ada' }).waitFor()
  expect(await options.allTextContents()).toEqual(['Open Ada', 'Set the budget of Ada'])
  expect(await violationsOf(page)).toEqual([])
  await page.keyboard.press('Escape')
  await palette(page).waitFor({ state: 'detached' })
  expect(await link.evaluate((element) => element === document.activeElement)).toBe(true)

  await type(page, 'ada')
  await options.filter({ hasText: 'Set the budget' }).waitFor()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Budget' }).waitFor()
  expect(new URL(page.url()).pathname + new URL(page.url()).hash).toBe('/employees/ada#budget')
  await type(page, 'usage')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Credit usage', level: 1 }).waitFor()
  expect(complaints.filter((complaint) => !complaint.includes('/company/'))).toEqual([])
})

test('the referral link is on the clipboard; where that is closed, on its page', async () => {
  const user = await company()
  const { link } = (await stand.api.ask('GET', '/credits/v1/referral', { as: user.key })).body
  const { context, open } = await stand.profile(user)
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const page = await open('/employees')
  await isOpen(page)
  await type(page, 'copy')
  await page.keyboard.press('Enter')
  await page.getByRole('status').filter({ hasText: 'Referral link copied' }).waitFor()
  expect(new URL(await page.evaluate(() => navigator.clipboard.readText())).pathname).toBe(new URL(link).pathname)

  await page.evaluate(() => {
    navigator.clipboard.writeText = () => Promise.reject(new DOMException('no', 'NotAllowedError'))
  })
  await type(page, 'copy')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Get free credits', level: 1 }).waitFor()
})

test('the period’s sheet is saved from anywhere', async () => {
  const user = await company()
  await stand.api.charge(user.accountId)
  const page = await (await stand.profile(user)).open('/employees')
  await isOpen(page)
  await page.getByRole('button', { name: 'Commands (Ctrl K)' }).click()
  await palette(page).getByRole('option').first().waitFor()
  await page.keyboard.type('csv')
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')])
  expect(download.suggestedFilename()).toMatch(/^credit-usage_.*\.csv$/)
  await page.getByRole('status').filter({ hasText: 'Exported 1 rows' }).waitFor()
})

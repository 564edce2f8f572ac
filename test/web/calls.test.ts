import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { creditsToMicro, toMicro } from '../../credits/money.ts'
import type { TestUser } from '../gateway-api/api-stand.ts'
import { until } from '../stack/until.ts'
import type { Profile } from './browser.ts'
import { openEmptyCompany } from './empty-company.ts'
import { openWebStand, violationsOf, type WebStand } from './stand.ts'

let stand: WebStand
let company: Awaited<ReturnType<typeof openEmptyCompany>>

beforeAll(async () => {
  company = await openEmptyCompany()
  stand = await openWebStand({ companyUrl: company.url })
}, 120_000)
afterAll(async () => {
  await stand?.close()
  company.close()
})

const bonus = creditsToMicro('1000')

interface Caller extends Profile {
  readonly user: TestUser
  /** The calls of the account as the API has them, the latest first. */
  sessions(): Promise<readonly Told[]>
}
interface Told {
  readonly id: string
  readonly state: string
  readonly endReason: string | null
  readonly seconds: number
  readonly credits: number
}

/** Somebody with two employees and so many credits, all that are left of the bonus. */
async function caller(credits = '1000', options: BrowserContextOptions = {}): Promise<Caller> {
  const user = await stand.api.user()
  for (const [id, name] of [
    ['ada', 'Ada'],
    ['bruno', 'Bruno'],
  ] as const)
    await stand.api.ask('POST', '/credits/v1/employees', { as: user.key, body: { id, name } })
  const spent = toMicro(bonus - creditsToMicro(credits))
  if (spent > 0) await stand.api.charge(user.accountId, { amount: spent })
  return {
    ...(await stand.profile(user, options)),
    user,
    sessions: async () => (await stand.api.ask('GET', '/credits/v1/sessions', { as: user.key })).body.items,
  }
}

const startVoice = (page: Page) => page.getByRole('button', { name: 'Start voice call (~3 credits/min)' })
const joinMeeting = (page: Page) => page.getByRole('button', { name: 'Join meeting (~1.5 credits/min)' })
const call = (page: Page, name = 'Voice call with Ada') => page.getByRole('group', { name })
const end = (page: Page) => page.getByRole('button', { name: 'End', exact: true })
/** µcr, as the page says it. */
const creditsOn = async (page: Page): Promise<number> => {
  const shown = call(page).locator('.cr-call-credits [title]')
  return creditsToMicro((await shown.getAttribute('title'))!)
}
/** This estimate, this stand has none. */
const isOurs = (text: string): boolean => !text.includes('/estimate')

describe('a voice call', () => {
  test('begins by its button with its price, shows what the server says, and its cost is the sum of its receipts', async () => {
    const { open, complaints, sessions, user } = await caller()
    const page = await open('/chat/ada')
    await startVoice(page).click()
    await call(page).getByText('3 credits/min').waitFor()
    expect(await call(page).evaluate((group) => group === document.activeElement)).toBe(true)
    expect(await startVoice(page).count()).toBe(0)
    await until(async () => (await creditsOn(page)) >= 150_000)
    expect(await violationsOf(page)).toEqual([])

    const mute = page.getByRole('button', { name: 'Mute (demo)' })
    await mute.click()
    expect(await mute.getAttribute('aria-pressed')).toBe('true')
    await end(page).click()
    await call(page).getByText('You ended it.', { exact: true }).first().waitFor()
    const [told] = await sessions()
    expect(told).toMatchObject({ state: 'ended', endReason: 'requested' })
    expect(told!.credits).toBe(told!.seconds * 50_000)
    await until(async () => (await creditsOn(page)) === told!.credits)
    expect(await violationsOf(page)).toEqual([])

    // Ended once more it is as it was
    const again = await stand.api.ask('POST', `/credits/v1/sessions/${told!.id}/end`, { as: user.key })
    expect(again.body).toMatchObject({ state: 'ended', seconds: told!.seconds, credits: told!.credits })

    await page.getByRole('button', { name: 'Inspect' }).click()
    const dialog = page.getByRole('dialog', { name: 'What this call cost' })
    const row = dialog.getByRole('row', { name: /^Voice conversations/ })
    await row.waitFor()
    expect(await row.getByRole('cell').allTextContents()).toEqual([
      `${told!.seconds} sec`,
      '3 / min',
      String(told!.credits / 1_000_000),
    ])
    expect(await dialog.locator('tfoot td').textContent()).toBe(String(told!.credits / 1_000_000))
    expect(await violationsOf(page)).toEqual([])
    await page.keyboard.press('Escape')
    const balance = (await stand.api.ask('GET', '/credits/v1/balance', { as: user.key })).body
    expect(balance).toMatchObject({ used: told!.credits, held: 0 })

    await page.getByRole('button', { name: 'Close' }).click()
    await startVoice(page).waitFor()
    expect(await call(page).count()).toBe(0)
    expect(complaints.filter(isOurs)).toEqual([])
  })
})

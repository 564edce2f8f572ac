import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openWebStand, violationsOf, type WebStand } from './stand.ts'

let stand: WebStand

beforeAll(async () => void (stand = await openWebStand()), 120_000)
afterAll(() => stand?.close())

const path = '/settings/subscription/free-credits'

describe('free credits', () => {
  test('the link is copied; where the clipboard is closed it is selected', async () => {
    const user = await stand.api.user()
    const { context, open, complaints } = await stand.profile(user)
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    const page = await open(path)
    const field = page.getByRole('textbox', { name: 'Your link' })
    const link = await field.inputValue()
    expect(link).toMatch(/\/r\/\w+$/)
    await page.getByRole('button', { name: 'Copy' }).click()
    await page.getByText('Referral link copied').waitFor()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(link)
    expect(await violationsOf(page)).toEqual([])

    await page.evaluate(() => {
      Object.defineProperty(navigator, 'clipboard', { value: { writeText: () => Promise.reject(new Error('closed')) } })
    })
    await page.getByRole('button', { name: 'Copy' }).click()
    await page.getByText('Press Ctrl or ⌘ and C to copy it.').waitFor()
    expect(await page.evaluate(() => String(getSelection()))).toBe(link)
    expect(complaints).toEqual([])
  })

  test('friends are invited, each with what became of it; who could not be stays in the form', async () => {
    const user = await stand.api.user()
    const page = await (await stand.profile(user)).open(path)
    await page.getByText('You have not invited anybody yet.').waitFor()
    const friend = `friend-${randomUUID().slice(0, 8)}@example.com`
    await page.getByLabel('Addresses, up to ten, one to a line').fill(`${friend}\nno-address`)
    await page.getByRole('button', { name: 'Send invitations' }).click()
    await page
      .getByRole('listitem')
      .filter({ hasText: `${friend}: sent` })
      .waitFor()
    await page.getByRole('listitem').filter({ hasText: 'no-address: not a valid address' }).waitFor()
    expect(await page.getByLabel('Addresses, up to ten, one to a line').inputValue()).toBe('no-address')
    await page.getByRole('row', { name: /Sent/ }).waitFor()
    expect(await page.getByRole('button', { name: 'Resend' }).count()).toBe(0)
    expect(stand.api.mails.sent.filter(({ to }) => to === friend)).toHaveLength(1)

    const eleven = Array.from({ length: 11 }, (_, index) => `a${index}@example.com`).join('\n')
    await page.getByLabel('Addresses, up to ten, one to a line').fill(eleven)
    await page.getByRole('alert').filter({ hasText: 'At most ten at a time.' }).waitFor()
    expect(await page.getByRole('button', { name: 'Send invitations' }).isDisabled()).toBe(true)
    expect(await violationsOf(page)).toEqual([])
  })

  test('a friend who signs up through the link is counted, and both have the bonus', async () => {
    const user = await stand.api.user()
    const page = await (await stand.profile(user)).open(path)
    const link = await page.getByRole('textbox', { name: 'Your link' }).inputValue()
    await page.getByText('0 of 10 successful referrals').waitFor()
    const signedUp = await stand.api.ask('POST', '/credits/v1/signup', {
      body: { email: `${randomUUID().slice(0, 8)}@example.com`, referralCode: link.split('/').at(-1) },
      headers: { origin: 'https://tollgate.example' },
    })
    expect(signedUp.body.bonuses.referral).toMatchObject({ applied: true })
    await page.getByText('1 of 10 successful referrals').waitFor()
    await page.getByRole('button', { name: 'Free plan, 100% left' }).click()
    await page.getByText('1,500 credits left of 1,500').waitFor()
  })

  test('ten friends are the most that count, and the link works on', async () => {
    const user = await stand.api.user()
    const page = await (await stand.profile(user)).open(path)
    const code = (await page.getByRole('textbox', { name: 'Your link' }).inputValue()).split('/').at(-1)
    const friend = () =>
      stand.api.ask('POST', '/credits/v1/signup', {
        body: { email: `${randomUUID()}@example.com`, referralCode: code },
        headers: { origin: 'https://tollgate.example' },
      })
    for (let count = 0; count < 10; count += 1) await friend()
    await page.getByText('10 of 10 successful referrals').waitFor()
    await page.getByText(/^You have earned the maximum\. Friends .* still get 500 credits\.$/).waitFor()
    expect(await page.getByRole('button', { name: 'Copy' }).isEnabled()).toBe(true)
    expect((await friend()).body.bonuses.referral).toMatchObject({ applied: true })
    await page.getByRole('button', { name: 'Free plan, 100% left' }).click()
    await page.getByText('6,000 credits left of 6,000').waitFor()
    expect(await violationsOf(page)).toEqual([])
  })

  test.each([
    [1280, 'dark'],
    [320, 'light'],
  ] as const)('fits %i pixels, %s', async (width, colorScheme) => {
    const user = await stand.api.user()
    const { open, complaints } = await stand.profile(user, { viewport: { width, height: 800 }, colorScheme })
    const page = await open(path)
    await page.getByText('You have not invited anybody yet.').waitFor()
    await page.getByRole('textbox', { name: 'Your link' }).waitFor()
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true)
    expect(await violationsOf(page)).toEqual([])
    expect(complaints).toEqual([])
  })
})

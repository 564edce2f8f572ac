import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pseudoMessages } from '../../bin/pseudo-locale.ts'
import type { TestUser } from '../gateway-api/api-stand.ts'
import { openWebStand, type WebStand } from './stand.ts'

let stand: WebStand
let user: TestUser

beforeAll(async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  await promisify(execFile)(process.execPath, ['bin/build-web.ts', '--pseudo'], { cwd: root })
  stand = await openWebStand({ web: '.tollgate/web-pseudo' })
  user = await stand.api.user()
  await stand.api.ask('POST', '/credits/v1/employees', { as: user.key, body: { id: 'ada', name: 'Ada' } })
  await stand.api.charge(user.accountId, { row: { employee: 'ada' }, detail: { messageId: 'm1' } })
}, 120_000)
afterAll(() => stand?.close())

test('other words are longer, in other letters, and keep what stands for values', () => {
  expect(pseudoMessages({ left: '{percent} left', none: '' })).toEqual({ left: '⟦{percent} ļéƒţ ẋé⟧', none: '' })
})

/** What the server names and what people named, dates, and the product itself. */
const isData = (text: string) =>
  [
    /^(Tollgate|Ada|Free|Pro|Business|Starter)(: [\d.]+)?$/,
    /^[\d,]+ credits$/,
    /^(AI Usage|Tool Calls|Internal|Compute Runtime|Tasks Completed|Voice Calls)$/,
    /^\p{Lu}\p{L}{2} \d{1,2}(, \d{4})?( – \p{Lu}\p{L}{2} \d{1,2}, \d{4})?$/u,
  ].some((form) => form.test(text))

describe.each([
  '/',
  '/chat/ada',
  '/employees',
  '/employees/ada',
  '/settings/subscription',
  '/settings/subscription/credit-usage',
  '/settings/subscription/free-credits',
  '/settings/nowhere',
])('in a language of long words, %s', (path) => {
  let page: Page
  beforeAll(async () => {
    if (path === '/chat/ada')
      await stand.api.ask('POST', '/credits/v1/sessions', {
        as: user.key,
        body: { kind: 'meeting', employee: 'ada', meetingUrl: 'https://zoom.us/j/1234567890' },
      })
    page = await (await stand.profile(user, { viewport: { width: 320, height: 700 } })).open(path)
    await page.locator('main h1').waitFor()
    // The stand has no company whose conversations come
    if (path.startsWith('/chat/')) await page.locator('.cr-call button').first().waitFor()
    else await page.waitForFunction(() => document.querySelector('main [aria-busy=true], main .cr-skeleton') === null)
  })

  test.each([320, 480, 1280, 1920])('fits a page of %i pixels, and cuts no text', async (width) => {
    await page.setViewportSize({ width, height: 800 })
    await page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth)
    expect(await page.evaluate(cutTexts)).toEqual([])
  })

  test('says everything in words of its messages', async () => {
    const texts = await page.evaluate(plainTexts)
    expect(texts.filter((text) => !isData(text))).toEqual([])
  })
})

/** Texts that are wider or higher than what shows them, and cannot be scrolled to. In the page. */
function cutTexts(): string[] {
  return [...document.querySelectorAll<HTMLElement>('body *')]
    .filter((element) => element.checkVisibility() && element.clientWidth > 1 && element.textContent !== '')
    .filter((element) => {
      const { overflowX, overflowY } = getComputedStyle(element)
      const cuts = (overflow: string) => overflow === 'hidden' || overflow === 'clip'
      return (
        (cuts(overflowX) && element.scrollWidth > element.clientWidth) ||
        (cuts(overflowY) && element.scrollHeight > element.clientHeight + 1)
      )
    })
    .map((element) => element.outerHTML.slice(0, 200))
}

/** Texts without a letter of the pseudo-locale. In the page. */
function plainTexts(): string[] {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const texts: string[] = []
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const text = node.textContent!.trim()
    if (/[A-Za-z]{2}/.test(text) && !/[⟦⟧]/.test(text) && node.parentElement!.checkVisibility()) texts.push(text)
  }
  return [...new Set(texts)]
}

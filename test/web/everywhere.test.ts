import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestUser } from '../gateway-api/api-stand.ts'
import { openWebStand, violationsOf, type WebStand } from './stand.ts'

let stand: WebStand
let user: TestUser

beforeAll(async () => {
  stand = await openWebStand()
  user = await stand.api.user()
  await stand.api.ask('POST', '/credits/v1/employees', { as: user.key, body: { id: 'ada', name: 'Ada' } })
  await stand.api.charge(user.accountId, { row: { employee: 'ada' } })
}, 120_000)
afterAll(() => stand?.close())

/** Each page of somebody who is signed in, and what shows that it is there. */
const pages = [
  ['/chat/ada', (page: Page) => page.getByRole('textbox', { name: 'Message to Ada' })],
  ['/employees', (page: Page) => page.getByText('No budget')],
  ['/employees/ada', (page: Page) => page.getByRole('button', { name: 'Save budget' })],
  ['/settings/subscription', (page: Page) => page.getByRole('button', { name: 'Buy 500 credits' })],
  ['/settings/subscription/credit-usage', (page: Page) => page.locator('.cr-chart-plot')],
  ['/settings/subscription/free-credits', (page: Page) => page.getByRole('button', { name: 'Copy' })],
] as const

async function opened(path: string, isThere: (typeof pages)[number][1], options: BrowserContextOptions): Promise<Page> {
  const page = await (await stand.profile(user, options)).open(path)
  await isThere(page).first().waitFor()
  return page
}
/** Charts know their width a frame later. */
const fitsSideways = (page: Page) => page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth)

test.each(pages)('%s has the bar at the top right, and can be read at twice the size', async (path, isThere) => {
  const page = await opened(path, isThere, { viewport: { width: 1280, height: 800 } })
  const bar = (await page.locator('.cr-bar').boundingBox())!
  expect(bar.y).toBeLessThan(40)
  expect(1280 - (bar.x + bar.width)).toBeLessThan(40)
  await page.evaluate(() => void (document.documentElement.style.fontSize = '200%'))
  await fitsSideways(page)
  await page.setViewportSize({ width: 640, height: 800 })
  await fitsSideways(page)
})

test.each(pages)('%s reads from right to left, at 320 pixels and at 1920', async (path, isThere) => {
  const page = await opened(path, isThere, { viewport: { width: 320, height: 640 } })
  await page.evaluate(() => void (document.documentElement.dir = 'rtl'))
  await fitsSideways(page)
  await page.setViewportSize({ width: 1920, height: 1080 })
  await fitsSideways(page)
  const bar = (await page.locator('.cr-bar').boundingBox())!
  expect(bar.x).toBeLessThan((1920 - 1280) / 2 + 40)
})

test.each(pages)('%s can be used with forced colours, and hit with a finger', async (path, isThere) => {
  const page = await opened(path, isThere, { forcedColors: 'active' })
  expect(await violationsOf(page)).toEqual([])
  // Links within a text are as high as its lines
  const tooSmall = await page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>('button, select, input, textarea, summary, nav a')]
      .filter((control) => control.checkVisibility())
      .map((control) => ({ control, box: control.getBoundingClientRect() }))
      .filter(({ box }) => box.width < 24 || box.height < 24)
      .map(({ control, box }) => `${control.outerHTML.slice(0, 120)} ${box.width}×${box.height}`),
  )
  expect(tooSmall).toEqual([])
})

test.each(pages)('every control of %s shows that it has the focus', async (path, isThere) => {
  const page = await opened(path, isThere, { viewport: { width: 1280, height: 800 } })
  const unseen: string[] = []
  const seen = new Set<string>()
  for (let step = 0; step < 60; step += 1) {
    await page.keyboard.press('Tab')
    const focused = await page.evaluate(() => {
      const element = document.activeElement
      if (element === null || element === document.body) return null
      const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element)
      const isShown = (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none'
      return { name: element.outerHTML.slice(0, 120), isShown }
    })
    if (focused === null) break
    if (!focused.isShown && !seen.has(focused.name)) unseen.push(focused.name)
    seen.add(focused.name)
  }
  expect(seen.size).toBeGreaterThan(8)
  expect(unseen).toEqual([])
})

// `npm run screens -- [folder [names]]`: a picture of every screen in every state, or of those whose names match, light and dark, on a desktop and on a phone.
import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { openDemoStack } from './demo-stack.ts'

const folder = resolve(process.argv[2] ?? '.tollgate/screens')
mkdirSync(folder, { recursive: true })
const say = (line: string): void => void process.stderr.write(`${line}\n`)

const sizes = [
  { name: 'desktop', width: 1280, height: 860 },
  { name: 'phone', width: 320, height: 640 },
] as const
const schemes = ['light', 'dark'] as const
const usagePath = '/settings/subscription/credit-usage'

interface Shot {
  readonly name: string
  readonly path: string
  /** Only what fits the window; else the whole page. */
  readonly isWindow?: true
  /** Before the page is opened. */
  readonly before?: (page: Page) => Promise<unknown>
  /** Until it is as it should be seen. */
  readonly until: (page: Page) => Promise<unknown>
  /** Leaves nothing behind for the next one. */
  readonly after?: (page: Page) => Promise<unknown>
}

const never = (): Promise<void> => new Promise(() => {})
const broken = { error: { code: 'journal_unavailable', message: 'the journal does not answer', requestId: 'req-1' } }
const isLoaded = (page: Page) => page.locator('tfoot .number').first().waitFor()
const heading = (name: string) => (page: Page) => page.getByRole('heading', { name, level: 1 }).waitFor()
const settled = (page: Page) => page.locator('.message').last().locator('.cr-cost[data-state]').waitFor()

const startCall = async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: /^Start voice call/ }).click()
  await page.locator('.cr-call[data-state=live] .cr-call-credits [title]').waitFor()
}
const endCalls = async (page: Page): Promise<void> => {
  const { origin } = new URL(page.url())
  const { items } = await (await page.request.get('/credits/v1/sessions?state=open')).json()
  for (const { id } of items as { id: string }[])
    await page.request.post(`/credits/v1/sessions/${id}/end`, { headers: { origin } })
}
/** What the server would tell of a call. */
const inCalls = (change: object) => (page: Page) =>
  page.route('**/credits/v1/sessions', async (route) => {
    const response = await route.fetch()
    await route.fulfill({ response, json: { ...(await response.json()), ...change } })
  })
const endedAtZero = {
  id: 'call-1',
  kind: 'voice',
  state: 'ended',
  employeeId: 'clara',
  organizationId: '',
  messageId: '',
  adapter: 'browser',
  platform: null,
  startedAt: '2026-11-14T10:00:00.000Z',
  endedAt: '2026-11-14T10:04:00.000Z',
  endReason: 'credits',
  seconds: 240,
  rate: 3_000_000,
  credits: 12_000_000,
  warning: null,
}

/** Each on a page of its own, in which the demo user is signed in. */
const full: readonly Shot[] = [
  { name: 'usage-full', path: usagePath, until: isLoaded },
  {
    name: 'usage-loading',
    path: usagePath,
    before: (page) => page.route(/credits\/v1\/(usage|grants|history)/, never),
    until: (page) => page.locator('[aria-busy=true]').first().waitFor(),
  },
  {
    name: 'usage-failed',
    path: usagePath,
    before: (page) =>
      page.route(/credits\/v1\/(usage|grants|history)/, (route) => route.fulfill({ status: 503, json: broken })),
    until: (page) => page.getByRole('main').getByRole('alert').first().waitFor(),
  },
  {
    name: 'usage-last-period-by-model',
    path: `${usagePath}?period=last-30&group=model`,
    until: isLoaded,
  },
  {
    name: 'dropdown',
    path: usagePath,
    isWindow: true,
    until: async (page) => {
      await page.locator('.cr-bar-button').click()
      await page.locator('.cr-breakdown > li').first().waitFor()
    },
  },
  {
    name: 'bar-unavailable',
    path: usagePath,
    isWindow: true,
    before: (page) => page.route('**/credits/v1/balance', (route) => route.fulfill({ status: 503, json: broken })),
    until: (page) => page.getByText('Credits unavailable').waitFor(),
  },
  { name: 'chat', path: '/chat/clara', isWindow: true, until: settled },
  {
    name: 'inspect',
    path: '/chat/clara',
    isWindow: true,
    until: async (page) => {
      await settled(page)
      await page.getByRole('button', { name: 'Inspect' }).last().click()
      await page.getByRole('dialog', { name: 'What this message cost' }).waitFor()
    },
  },
  {
    name: 'chat-nothing-said',
    path: '/chat/bruno',
    isWindow: true,
    until: (page) => page.getByText('Nothing was said yet.').waitFor(),
  },
  { name: 'call', path: '/chat/bruno', isWindow: true, until: startCall, after: endCalls },
  {
    name: 'call-warned',
    path: '/chat/bruno',
    isWindow: true,
    before: async (page) => {
      await inCalls({ warning: { secondsLeft: 80 } })(page)
      await page.route(/credits\/v1\/(feed|sessions\/[^/]+\/heartbeat)$/, never)
    },
    until: async (page) => {
      await startCall(page)
      await page
        .getByText(/^About .* left$/)
        .first()
        .waitFor()
    },
    after: endCalls,
  },
  {
    name: 'call-ended',
    path: '/chat/bruno',
    isWindow: true,
    until: async (page) => {
      await startCall(page)
      await page.getByRole('button', { name: 'End', exact: true }).click()
      await page.locator('.cr-call[data-state=ended]').waitFor()
    },
  },
  {
    name: 'call-inspect',
    path: '/chat/bruno',
    isWindow: true,
    until: async (page) => {
      await startCall(page)
      await page.getByRole('button', { name: 'End', exact: true }).click()
      await page.getByRole('button', { name: 'Inspect' }).click()
      await page.getByRole('dialog').getByRole('rowheader', { name: 'Voice conversations' }).waitFor()
    },
  },
  {
    name: 'call-join',
    path: '/chat/bruno',
    isWindow: true,
    until: async (page) => {
      await page.getByRole('button', { name: /^Join meeting/ }).click()
      await page.getByRole('dialog').waitFor()
    },
  },
  {
    name: 'call-elsewhere',
    path: '/employees',
    isWindow: true,
    until: async (page) => {
      const data = { kind: 'meeting', employee: 'clara', meetingUrl: 'https://zoom.us/j/1234567890' }
      const { origin } = new URL(page.url())
      await page.request.post('/credits/v1/sessions', { data, headers: { origin } })
      await page.getByText('in another tab').waitFor()
    },
    after: endCalls,
  },
  {
    name: 'call-more-work',
    path: '/chat/bruno',
    until: async (page) => {
      await page.getByText('Try what else costs credits').click()
      await page.getByRole('link', { name: /^Daily report/ }).waitFor()
    },
  },
  { name: 'employees', path: '/employees', until: (page) => page.getByText('Used').first().waitFor() },
  { name: 'employee', path: '/employees/bruno', until: (page) => page.getByText('Daily report').waitFor() },
  { name: 'subscription', path: '/settings/subscription', until: (page) => page.getByText('Buy 500').waitFor() },
  {
    name: 'purchase',
    path: '/settings/subscription',
    isWindow: true,
    until: async (page) => {
      await page.getByRole('button', { name: 'Buy 500 credits' }).click()
      await page.getByRole('button', { name: 'Confirm' }).waitFor()
    },
  },
  {
    name: 'free-credits',
    path: '/settings/subscription/free-credits',
    until: (page) => page.getByRole('button', { name: 'Copy' }).waitFor(),
  },
  { name: 'not-found', path: '/settings/nowhere', until: heading('Page not found') },
]
const budgetReached: Shot = {
  name: 'chat-budget-reached',
  path: '/chat/clara',
  isWindow: true,
  until: (page) => page.getByRole('group', { name: 'Budget reached' }).waitFor(),
}
const depleted: readonly Shot[] = [
  {
    name: 'chat-depleted',
    path: '/chat/clara',
    isWindow: true,
    until: (page) => page.getByRole('group', { name: 'Credits Depleted' }).waitFor(),
  },
  {
    name: 'call-ended-at-zero',
    path: '/chat/clara',
    isWindow: true,
    before: (page) =>
      page.route('**/credits/v1/sessions?state=open', (route) =>
        route.fulfill({ json: { items: [endedAtZero], next: null } }),
      ),
    until: (page) => page.locator('.cr-call[data-state=ended]').waitFor(),
  },
  { name: 'usage-depleted', path: usagePath, isWindow: true, until: isLoaded },
  {
    name: 'alerts',
    path: usagePath,
    isWindow: true,
    until: async (page) => {
      await page.locator('.cr-bell-button').click()
      await page.getByRole('dialog', { name: 'Alerts' }).getByRole('listitem').first().waitFor()
    },
  },
]
const empty: readonly Shot[] = [
  { name: 'usage-empty', path: usagePath, until: isLoaded },
  { name: 'chat-empty', path: '/chat', until: (page) => page.getByText('Nobody works for you yet.').waitFor() },
  {
    name: 'employees-empty',
    path: '/employees',
    until: (page) => page.getByText('Nobody works for you yet.').waitFor(),
  },
]
const strangers: readonly Shot[] = [
  { name: 'welcome', path: '/', until: heading('Welcome to Tollgate') },
  { name: 'sign-in', path: '/login', until: (page) => page.getByRole('button').first().waitFor() },
  { name: 'sign-up', path: '/signup', until: (page) => page.getByRole('button').first().waitFor() },
]

const only = process.argv[3] === undefined ? /./ : new RegExp(process.argv[3])
const stack = await openDemoStack()
let count = 0
try {
  const state = await stack.signIn()
  const demo = await profile(state)
  await prepare(demo)
  await shoot(full, state)
  await demo.request('PUT', '/credits/v1/budgets/employee:clara', { limit: 10_000, window: 'month', atLimit: 'pause' })
  await shoot([budgetReached], state)
  await demo.request('DELETE', '/credits/v1/budgets/employee:clara')
  say('spending all there is')
  await toZero(demo)
  await shoot(depleted, state)
  await shoot(empty, await signedUp())
  await shoot(strangers, undefined)
  say(`${count} pictures in ${folder}`)
} finally {
  await stack.close()
}

type State = Awaited<ReturnType<typeof stack.signIn>>

async function shoot(shots: readonly Shot[], storageState: State | undefined): Promise<void> {
  for (const { name: size, ...viewport } of sizes)
    for (const colorScheme of schemes) {
      const signedIn = storageState === undefined ? {} : { storageState }
      const context = await stack.browser.newContext({
        ...signedIn,
        viewport,
        colorScheme,
        baseURL: stack.gatewayUrl,
        reducedMotion: 'reduce',
      })
      for (const shot of shots.filter(({ name }) => only.test(name)))
        await take(context, shot, join(folder, `${shot.name}--${size}-${colorScheme}.png`))
      await context.close()
    }
}

async function take(
  context: BrowserContext,
  { path, before, until, after, isWindow }: Shot,
  file: string,
): Promise<void> {
  const page = await context.newPage()
  try {
    await before?.(page)
    await page.goto(path)
    await until(page)
    // Skeletons appear a little later, charts when they know their width
    await page.waitForTimeout(400)
    await page.screenshot({ path: file, fullPage: isWindow !== true })
    count += 1
    await after?.(page)
  } catch (error) {
    say(`${file}: ${String(error)}`)
    process.exitCode = 1
  } finally {
    await page.close()
  }
}

interface Signed {
  readonly context: BrowserContext
  request(method: string, path: string, body?: object): Promise<unknown>
}

async function profile(storageState: State): Promise<Signed> {
  const context = await stack.browser.newContext({ storageState, baseURL: stack.gatewayUrl })
  return {
    context,
    async request(method, path, data = {}) {
      const answer = await context.request.fetch(path, { method, data, headers: { origin: stack.gatewayUrl } })
      if (!answer.ok()) throw new Error(`${method} ${path}: ${answer.status()} ${await answer.text()}`)
      return answer.json()
    },
  }
}

/** Something that was said, and budgets to look at. */
async function prepare(demo: Signed): Promise<void> {
  const { context } = demo
  say('talking')
  const page = await context.newPage()
  await page.goto('/chat/clara')
  for (const text of ['Draw a picture of a lighthouse.', 'What do tides have to do with the moon? In 80 words.']) {
    await page.getByRole('textbox', { name: /^Message to/ }).fill(text)
    await page.keyboard.press('Enter')
    await page
      .locator('.message[data-state=done]')
      .nth(text.startsWith('Draw') ? 0 : 1)
      .waitFor({ timeout: 120_000 })
  }
  await settled(page)
  await page.close()
  const limits = { ada: 30_000_000, bruno: 2_000_000_000 }
  for (const [id, limit] of Object.entries(limits))
    await demo.request('PUT', `/credits/v1/budgets/employee:${id}`, { limit, window: 'month', atLimit: 'pause' })
  await demo.request('PUT', '/company/report')
  await demo.request('POST', '/company/report/runs')
}

async function toZero({ context }: Signed): Promise<void> {
  const page = await context.newPage()
  await page.goto('/chat/clara')
  await page.getByText('See what happens at zero').click()
  await page.getByRole('button', { name: 'Spend all credits' }).click()
  await page.getByRole('group', { name: 'Credits Depleted' }).waitFor({ timeout: 300_000 })
  await page.locator('.cr-toast[data-threshold="0"]').waitFor({ timeout: 120_000 })
  await page.setViewportSize({ width: 1280, height: 860 })
  await page.screenshot({ path: join(folder, 'toast-depleted--desktop-light.png') })
  await page.close()
}

async function signedUp(): Promise<State> {
  const context = await stack.browser.newContext({ baseURL: stack.gatewayUrl })
  const page = await context.newPage()
  await page.goto('/signup')
  await page.getByRole('textbox').first().fill(`new-${Date.now()}@example.com`)
  await page.getByRole('button').first().click()
  await page.getByText('You start with').waitFor()
  await page.screenshot({ path: join(folder, 'signed-up--desktop-light.png') })
  const state = await context.storageState()
  await context.close()
  return state
}

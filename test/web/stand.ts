import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { getRequestListener } from '@hono/node-server'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { readWebApp } from '../../gateway/web.ts'
import { type ApiStand, openApiStand, type TestUser } from '../gateway-api/api-stand.ts'
import { launchBrowser, openProfile, type Profile } from './browser.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The web app on the real gateway, with a real browser in front of it. */
export interface WebStand {
  readonly api: ApiStand
  readonly url: string
  /** Connections to the feed that are open now. */
  openFeeds(): number
  /** Nobody is listening until `start`. */
  stop(): Promise<void>
  start(): Promise<void>
  /** A browser profile of its own, in which the user is signed in. */
  profile(user?: TestUser, options?: BrowserContextOptions): Promise<Profile>
  close(): Promise<void>
}

export interface WebStandOptions {
  /** The folder of another build of the app. */
  readonly web?: string
  /** A back end whose employees are talked to. */
  readonly companyUrl?: string
}

export async function openWebStand({ web = 'web/dist', companyUrl }: WebStandOptions = {}): Promise<WebStand> {
  const browser = await launchBrowser()
  const api = await openApiStand()
  let url = ''
  const app = api.another({
    web: readWebApp(`${root}/${web}`),
    publicUrl: () => url,
    companyUrl: () => companyUrl ?? null,
  })
  let feeds = 0
  let server = createServer()
  const start = async (port: number): Promise<void> => {
    server = createServer(getRequestListener(app.fetch))
    server.on('request', (request, response) => {
      if (request.url !== '/credits/v1/feed') return
      feeds += 1
      response.once('close', () => (feeds -= 1))
    })
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  const stop = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
  await start(0)

  return {
    api,
    get url() {
      return url
    },
    openFeeds: () => feeds,
    stop,
    start: () => start(Number(new URL(url).port)),
    async profile(user, options) {
      const secret =
        user === undefined
          ? undefined
          : (await api.deps.journal.signIns.begin({ accountId: user.accountId, lifetimeMs: 3_600_000 })).secret
      return openProfile(browser, () => url, secret, options)
    },
    async close() {
      await browser.close()
      await stop()
      await api.close()
    },
  }
}

/** What axe finds wrong with a page, one line each. */
export async function violationsOf(page: Page): Promise<readonly string[]> {
  await page.evaluate(axeSource)
  return page.evaluate(async () => {
    // oxlint-disable-next-line typescript/no-explicit-any -- axe is a global of the page
    const { violations } = await (globalThis as any).axe.run({
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    })
    return violations.flatMap(({ id, nodes }: { id: string; nodes: { html: string; failureSummary: string }[] }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    )
  })
}

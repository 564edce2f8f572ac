import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { partPath } from '../../bin/parts.ts'

/** A browser profile of its own. */
export interface Profile {
  readonly context: BrowserContext
  readonly open: (path?: string) => Promise<Page>
  /** What pages complained about, refused content included. */
  readonly complaints: string[]
}

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: partPath('CHROMIUM'), args: ['--no-sandbox', '--disable-gpu'] })
}

/** `secret`: of a sign-in; nobody is signed in without it. */
export async function openProfile(
  browser: Browser,
  url: () => string,
  secret: string | undefined,
  options: BrowserContextOptions = {},
): Promise<Profile> {
  const context = await browser.newContext(options)
  if (secret !== undefined) {
    const cookie = { name: 'tollgate_session', value: secret, url: url(), httpOnly: true, sameSite: 'Strict' } as const
    await context.addCookies([cookie])
  }
  const complaints: string[] = []
  return {
    context,
    complaints,
    async open(path = '/') {
      const page = await context.newPage()
      page.on('console', (message) => {
        if (['error', 'warning'].includes(message.type()))
          complaints.push(`${message.text()} ${message.location().url}`)
      })
      page.on('pageerror', (error) => complaints.push(String(error)))
      await page.goto(`${url()}${path}`)
      return page
    },
  }
}

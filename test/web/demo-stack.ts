import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium } from 'playwright-core'
import { partPath } from '../../bin/parts.ts'
import { runProgram } from '../e2e/processes.ts'

/** What `npm start` brings up, with its demo history, and a real Chromium in front of it. */
export interface DemoStack {
  readonly browser: Browser
  readonly gatewayUrl: string
  readonly redisUrl: string
  readonly adminKey: string
  /** A browser profile's state in which the demo user is signed in. Once only: the link works once. `origin`: where pages reach the gateway. */
  signIn(origin?: string): Promise<Exclude<NonNullable<BrowserContextOptions['storageState']>, string>>
  close(): Promise<void>
}

const root = fileURLToPath(new URL('../..', import.meta.url))

export async function openDemoStack(): Promise<DemoStack> {
  execFileSync(process.execPath, ['bin/build-web.ts'], { cwd: root })
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-demo-'))
  const dataDir = join(folder, 'data')
  const program = runProgram('bin/dev.ts', { DATA_DIR: dataDir })
  const stop = async (): Promise<void> => {
    program.signal('SIGINT')
    await program.ended
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await program.printed(/Ctrl-C stops everything/)
    const { gatewayUrl, redisUrl, adminKey, demo } = JSON.parse(readFileSync(join(dataDir, 'dev.json'), 'utf8')) as {
      readonly gatewayUrl: string
      readonly redisUrl: string
      readonly adminKey: string
      readonly demo: { readonly signInLink: string }
    }
    const args = ['--no-sandbox', '--disable-gpu']
    const browser = await chromium.launch({ executablePath: partPath('CHROMIUM'), args })
    return {
      browser,
      gatewayUrl,
      redisUrl,
      adminKey,
      async signIn(origin = gatewayUrl) {
        const context = await browser.newContext()
        const page = await context.newPage()
        await page.goto(demo.signInLink.replace(gatewayUrl, origin))
        await page.getByRole('button', { name: 'Sign in' }).click()
        await page.getByText('signed in').first().waitFor()
        const state = await context.storageState()
        await context.close()
        return state
      },
      async close() {
        await browser.close()
        await stop()
      },
    }
  } catch (error) {
    await stop()
    throw new Error(program.output().slice(-2_000), { cause: error })
  }
}

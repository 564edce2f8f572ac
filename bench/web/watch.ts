import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'

/** What a page tells of itself (page-side.js). Moments are ms since 1970, by the clock of this process. */
export interface Watched {
  painted(version: number): Promise<number>
  became(attribute: string, value: string): Promise<number>
  left(attribute: string, value: string): Promise<number>
  ready(): Promise<number>
  opens(selector: string, opened: string): Promise<number>
  longestTask(): Promise<number>
  hide(): Promise<void>
  knew(version: number): Promise<number>
  /** Since the page was loaded: the largest paint and the time blocked, ms, and by how much it shifted. */
  seen(): Promise<{ readonly paintMs: number; readonly blockedMs: number; readonly shift: number }>
  /** Bytes of its heap after a collection. */
  heap(): Promise<number>
  /** 4: it has a quarter of the CPU. */
  throttle(rate: number): Promise<void>
}

/** Before the page's first load. */
export async function watch(page: Page): Promise<Watched> {
  await page.addInitScript({ path: fileURLToPath(new URL('page-side.js', import.meta.url)) })
  const session = await page.context().newCDPSession(page)
  const ask = <Answer>(name: string, ...args: readonly (string | number)[]): Promise<Answer> =>
    page.evaluate(`bench.${name}(${args.map((arg) => JSON.stringify(arg)).join(', ')})`)
  return {
    painted: (version) => ask('painted', version),
    became: (attribute, value) => ask('became', attribute, value),
    left: (attribute, value) => ask('left', attribute, value),
    ready: () => ask('ready'),
    opens: (selector, opened) => ask('opens', selector, opened),
    longestTask: () => ask('longestTask'),
    hide: () => ask('hide'),
    knew: (version) => ask('knew', version),
    seen: () => page.evaluate('bench.seen'),
    async heap() {
      await session.send('HeapProfiler.collectGarbage')
      return (await session.send('Runtime.getHeapUsage')).usedSize
    },
    async throttle(rate) {
      await session.send('Emulation.setCPUThrottlingRate', { rate })
    },
  }
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { claimFolder } from '../../journal/folder-owner.ts'
import { openJournal } from '../../journal/open-journal.ts'
import { type Claimant, goneAfterMs, thisProcess } from '../../journal/process-claim.ts'
import { until } from '../stack/until.ts'
import { freshFolder } from './backends.ts'

const inUse = { name: 'JournalNotOpened', code: 'journal_in_use' }
/** For claims that can be judged at once. */
const noWaiting = {
  sleep: () => {
    throw new Error('it waited')
  },
}

function folderWith(claim: string): { readonly dataDir: string; readonly claimFile: string } {
  const fresh = freshFolder()
  const { dataDir } = fresh
  onTestFinished(() => fresh.remove())
  const claimFile = `${dataDir}.owner`
  if (claim !== '') writeFileSync(claimFile, claim)
  return { dataDir, claimFile }
}

const claimOf = async (change: Partial<Claimant>): Promise<string> =>
  JSON.stringify({ ...(await thisProcess()), ...change })

/** A clock that only sleeping moves. */
function virtualTime(onSleep: () => void = () => undefined) {
  let nowMs = 1_800_000_000_000
  const waits: number[] = []
  return {
    waits,
    passedMs: () => nowMs - 1_800_000_000_000,
    now: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms
      onSleep()
    },
    onWait: (waitMs: number) => void waits.push(waitMs),
  }
}

describe('a folder is claimed by one process at a time', () => {
  it('another process is refused while its owner lives, and not once it was killed', async () => {
    const { dataDir } = folderWith('')
    const module = fileURLToPath(new URL('../../journal/folder-owner.ts', import.meta.url))
    const program = `const { claimFolder } = await import(${JSON.stringify(module)})
      await claimFolder(${JSON.stringify(dataDir)}); console.log('claimed'); setInterval(() => {}, 1000)`
    const owner = spawn(process.execPath, ['--input-type=module', '-e', program])
    onTestFinished(() => void owner.kill('SIGKILL'))
    await once(owner.stdout, 'data')
    await expect(claimFolder(dataDir, noWaiting)).rejects.toMatchObject({
      ...inUse,
      message: expect.stringContaining(`process ${owner.pid} on`),
    })
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    await (await claimFolder(dataDir, noWaiting)).release()
  })

  it('of many that find a dead claim at once, one gets it', async () => {
    const { dataDir } = folderWith(await claimOf({ startedAt: 'earlier' }))
    const claims = await Promise.allSettled(Array.from({ length: 20 }, () => claimFolder(dataDir)))
    const got = claims.flatMap((claim) => (claim.status === 'fulfilled' ? [claim.value] : []))
    expect(got).toHaveLength(1)
    await got[0]!.release()
  })

  it('a process that died while it took a dead claim away keeps nobody out', async () => {
    const { dataDir } = folderWith(await claimOf({ startedAt: 'earlier' }))
    mkdirSync(`${dataDir}.owner.taking`)
    await (await claimFolder(dataDir, virtualTime())).release()
    expect(existsSync(`${dataDir}.owner.taking`)).toBe(false)
  })

  it('the claim of an earlier process with our number is taken over at once, as after a restart of a container', async () => {
    const { dataDir, claimFile } = folderWith(await claimOf({ startedAt: 'earlier' }))
    await (await claimFolder(dataDir, noWaiting)).release()
    expect(existsSync(claimFile)).toBe(false)
  })
})

describe('an owner that cannot be looked at', () => {
  const unseen: [string, () => Promise<string>][] = [
    ['with our number in another container', () => claimOf({ processNamespace: 'another' })],
    ['with our number on another machine', () => claimOf({ host: 'another' })],
    ['whose claim makes no sense', async () => 'nonsense'],
  ]
  it.each(unseen)('%s is gone when it gave no sign of life for half a minute', async (_, claim) => {
    const { dataDir } = folderWith(await claim())
    const time = virtualTime()
    await (await claimFolder(dataDir, time)).release()
    expect(time.passedMs()).toBe(goneAfterMs)
    expect(time.waits).toEqual([goneAfterMs])
  })

  it.each(unseen)('%s has its folder as long as it gives signs of life', async (_, claim) => {
    const { dataDir, claimFile } = folderWith(await claim())
    // Its clock is another one.
    const time = virtualTime(() => {
      if (time.passedMs() === goneAfterMs - 1_000) utimesSync(claimFile, 1, 1)
    })
    await expect(claimFolder(dataDir, time)).rejects.toMatchObject(inUse)
  })
})

describe('an owner that slept while another took its folder over', () => {
  it('hears of it, and leaves the claim of the other alone', async () => {
    const { dataDir, claimFile } = folderWith('')
    const claim = await claimFolder(dataDir)
    writeFileSync(claimFile, await claimOf({ host: 'another' }))
    await claim.lost
    await claim.release()
    expect(readFileSync(claimFile, 'utf8')).toBe(await claimOf({ host: 'another' }))
  })

  it('an embedded journal answers nothing any more', async () => {
    const { dataDir, claimFile } = folderWith('')
    const journal = await openJournal({ dataDir })
    await journal.ping()
    writeFileSync(claimFile, await claimOf({ host: 'another' }))
    const error = await until(() =>
      journal.ping().then(
        () => undefined,
        (failure: unknown) => failure,
      ),
    )
    expect(error).toMatchObject({ name: 'JournalUnavailable', message: expect.stringContaining('taken over') })
    await journal.close()
  })
})

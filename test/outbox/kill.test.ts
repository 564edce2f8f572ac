import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import type { SettleRequest } from '../../ledger/ledger.ts'
import { until } from '../stack/until.ts'
import type { DyingGateway } from './dying-gateway.ts'
import { contentOf, type GivenOutbox, givenOutbox, segmentsIn } from './given.ts'

let given: GivenOutbox
beforeAll(async () => {
  given = await givenOutbox()
})
afterAll(() => given.close())

const running = new Set<() => void>()
afterEach(() => {
  for (const kill of running) kill()
  running.clear()
})

const credit = 1_000_000
const program = fileURLToPath(new URL('dying-gateway.ts', import.meta.url))

/** `before` is a line of shell before the gateway begins, in its process. */
function start(folder: string, dies: DyingGateway['dies'], works: readonly SettleRequest[], before = ':') {
  const argument: DyingGateway = {
    folder,
    redisUrl: given.server().url,
    databaseUrl: inject('databaseUrl'),
    dies,
    works,
  }
  const child = spawn(
    'bash',
    ['-c', `${before}; exec "$@"`, 'bash', process.execPath, program, JSON.stringify(argument)],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part) => (text += part))
  const ended = new Promise<string>((resolve) => child.once('close', (code, signal) => resolve(signal ?? String(code))))
  const kill = () => void child.kill('SIGKILL')
  running.add(kill)
  return {
    kill,
    ended,
    output: () => text,
    said: (words: string) =>
      until(async () => {
        if (child.exitCode !== null) throw new Error(`it ended (${child.exitCode}):\n${text}`)
        return text.includes(words)
      }),
  }
}

async function heldWork(actual = 30): Promise<{ readonly account: string; readonly work: SettleRequest }> {
  const account = await given.account(1)
  return { account, work: await given.reserve(given.work(account, actual), 100) }
}

describe('a gateway that is killed', () => {
  it.each([
    { dies: 'before it sends', chargedBefore: 0 },
    { dies: 'before it hears the answer', chargedBefore: 30 },
    { dies: 'after the answer', chargedBefore: 30 },
  ] as const)('$dies leaves a call that its successor settles once', async ({ dies, chargedBefore }) => {
    const folder = given.folder()
    const { account, work } = await heldWork()
    const gateway = start(folder, dies, [work])
    expect(await gateway.ended).toBe('SIGKILL')
    expect(await given.remaining(account)).toBe(credit - chargedBefore)
    expect(contentOf(folder)).toContain(work.id)

    const { outbox, events } = await given.open({ folder })
    await until(async () => events.some(({ kind }) => kind === 'replayed'))
    expect(await given.remaining(account)).toBe(credit - 30)
    expect(await given.held(account)).toBe(0)
    expect(await given.drain(account)).toBe(1)
    await until(async () => outbox.figures().entries === 0)
    await until(async () => segmentsIn(folder).length === 0)
  })

  it('after the journal has everything leaves nothing to send', async () => {
    const folder = given.folder()
    const { account, work } = await heldWork()
    const gateway = start(folder, 'after the answer', [work])
    await gateway.ended
    await given.drain(account)
    const { outbox, events } = await given.open({ folder })
    await until(async () => outbox.figures().entries === 0)
    expect(events.filter(({ kind }) => kind === 'replayed')).toEqual([])
  })
})

describe('two gateways on one folder', () => {
  it('keep apart while both live, and the one that is left takes over', async () => {
    const folder = given.folder()
    const [one, two] = [await heldWork(), await heldWork()]
    const first = start(folder, 'never', [one.work])
    const second = start(folder, 'never', [two.work])
    await Promise.all([first.said('new work'), second.said('new work')])
    expect(readdirSync(folder)).toHaveLength(2)
    expect(first.output()).not.toContain('taken_over')
    expect(second.output()).not.toContain('taken_over')
    first.kill()
    await first.ended
    await second.said('event taken_over')
    expect(readdirSync(folder)).toHaveLength(1)
    expect(second.output()).toContain('ready with 0')
    await second.said('event replayed')
    await given.drain(one.account)
    await given.drain(two.account)
    expect(await given.remaining(one.account)).toBe(credit - 30)
  })
})

describe('a disk that is full', () => {
  it('begins no new work, and charges what is under way', async () => {
    const folder = given.folder()
    const account = await given.account(1)
    const works: SettleRequest[] = []
    for (let each = 0; each < 40; each++) works.push(await given.reserve(given.work(account, 30), 100))
    // In blocks of 1 kB: room for the claim and some of the calls, not for all.
    const gateway = start(folder, 'never', works, 'ulimit -f 8')
    await gateway.said('new work: outbox_unavailable')
    expect(gateway.output()).toContain('event write_failed')
    expect(gateway.output().match(/^settled/gm)).toHaveLength(40)
    expect(await given.remaining(account)).toBe(credit - 40 * 30)
    expect(contentOf(folder)).toContain(works[0]!.id)
    expect(contentOf(folder)).not.toContain(works.at(-1)!.id)
    gateway.kill()
    await gateway.ended
    // No half line is left where the room ended.
    const { events } = await given.open({ folder })
    expect(events.filter(({ kind }) => kind === 'torn' || kind === 'broken')).toEqual([])
    await given.drain(account)
  })

  it.runIf(canMount())('is used again when there is room', async () => {
    const folder = given.folder()
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder])
    try {
      const { store, events } = await given.open({ folder })
      const ballast = `${folder}/ballast`
      // It ends badly when it has filled the disk: that is what it is for.
      spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4k', 'count=1024'])
      const account = await given.account(1)
      const note = () => store.note({ kind: 'settle', notedAtMs: Date.now(), request: given.work(account, 1) })
      await until(async () =>
        note().written.then(
          () => false,
          () => true,
        ),
      )
      expect(store.trouble()).toMatch('ENOSPC')
      execFileSync('rm', [ballast])
      await until(async () => store.trouble() === null)
      expect(events.map(({ kind }) => kind)).toContain('writes_again')
      await until(async () => [...store.entries.values()].every(({ segment }) => segment !== null))
      for (const entry of store.entries.values()) store.forget(entry)
    } finally {
      execFileSync('umount', ['-l', folder])
    }
  })
})

/** Not every container lets its root do so. */
function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-mount-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]).status === 0
  if (mounted) spawnSync('umount', [folder])
  rmSync(folder, { recursive: true })
  return mounted
}

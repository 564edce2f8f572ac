import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { open as openFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { chargeId } from '../../credits/charge-id.ts'
import { toMicro } from '../../credits/money.ts'
import { systemClock } from '../../middleware/clock.ts'
import { keyOf, nameOf } from '../../middleware/outbox/entry.ts'
import { formatRecord, parseRecord, type SendRecord } from '../../middleware/outbox/record.ts'
import { openStore, type OutboxStore, type StoreEvent, type StoreOptions } from '../../middleware/outbox/store.ts'
import { detailOf, quantities, row } from '../ledger/given.ts'
import { until } from '../stack/until.ts'
import { contentOf, segmentsIn } from './given.ts'

const root = mkdtempSync(join(tmpdir(), 'tollgate-store-'))
const stores: OutboxStore[] = []
afterAll(async () => {
  for (const store of stores) await store.close()
  rmSync(root, { recursive: true, force: true })
})

let folders = 0
const newFolder = (): string => join(root, String((folders += 1)))

async function open(folder: string, change: Partial<StoreOptions> = {}) {
  const events: StoreEvent[] = []
  const store = await openStore({
    folder,
    clock: systemClock,
    leastFreeBytes: 0,
    onEvent: (event) => events.push(event),
    ...change,
  })
  stores.push(store)
  return { store, events, taken: await store.takeOver() }
}

/** What a process that was killed leaves: its logs, and nobody who has them. */
function leave(folder: string, lines: readonly string[], name = 'gone'): string {
  const log = join(folder, name, 'log')
  mkdirSync(log, { recursive: true })
  const path = join(log, '00000001.log')
  writeFileSync(path, lines.join(''))
  return path
}

function openFilesIn(folder: string): readonly string[] {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(join('/proc/self/fd', fd)).startsWith(folder)
    } catch {
      // The one that the listing itself had.
      return false
    }
  })
}

const settle = (key: string, actual = 7): SendRecord => ({
  kind: 'settle',
  notedAtMs: 1_000,
  request: {
    accountId: 'Zoë | the first',
    id: chargeId(1, key),
    actual: toMicro(actual),
    row,
    quantities,
    levels: ['employee:ada'],
    detail: detailOf(1),
    began: { epoch: 3, windows: ['employee:ada|d20406'] },
  },
})
const charge = (key: string, accepted = false): SendRecord => ({
  kind: 'charge',
  notedAtMs: 1_000,
  request: { ...settle(key).request, accepted },
})
const idsOf = (store: OutboxStore): readonly string[] => [...store.entries.values()].map((entry) => nameOf(entry).id)

describe('a record', () => {
  it('is read as it was written', () => {
    for (const record of [settle('a'), charge('b'), { kind: 'refused', accountId: 'a', id: chargeId(1, 'c') } as const])
      expect(parseRecord(formatRecord(record).slice(0, -1))).toEqual(record)
  })

  it('with any one byte changed is broken', () => {
    const line = Buffer.from(formatRecord(settle('a')))
    fc.assert(
      fc.property(fc.nat(line.length - 2), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Buffer.from(line)
        changed[at]! ^= change
        expect(parseRecord(changed.toString().slice(0, -1))).toBeNull()
      }),
    )
  })
})

describe('what a killed process leaves', () => {
  it('is read whole, whichever byte of the last record was its last', async () => {
    const folder = newFolder()
    const size = (lines: readonly string[]): number => Buffer.byteLength(lines.join(''))
    const last = Buffer.byteLength(formatRecord(settle('00000000')))
    for (let bytes = 0; bytes <= last; bytes++) {
      const lines = ['a', 'b', ''].map((key) => formatRecord(settle(`${key}${String(bytes).padStart(8, '0')}`)))
      truncateSync(leave(folder, lines, `cut-after-${bytes}`), size(lines.slice(0, 2)) + bytes)
    }
    const { store, events } = await open(folder)
    expect(idsOf(store)).toHaveLength(2 * (last + 1) + 1)
    expect(idsOf(store)).toContain(chargeId(1, String(last).padStart(8, '0')))
    const torn = events.flatMap((event) => (event.kind === 'torn' ? event.bytes : []))
    expect(torn.toSorted((a, b) => a - b)).toEqual(Array.from({ length: last - 1 }, (_, index) => index + 1))
    expect(events.filter(({ kind }) => kind === 'broken')).toEqual([])
  })

  it('loses only the line that is broken, says so, and keeps its segment', async () => {
    const folder = newFolder()
    const lines = ['a', 'b', 'c'].map((key) => formatRecord(settle(key)))
    leave(folder, [lines[0]!, lines[1]!.replace('"actual":7', '"actual":8'), lines[2]!])
    const { store, events } = await open(folder)
    expect(idsOf(store)).toEqual([chargeId(1, 'a'), chargeId(1, 'c')])
    expect(events).toMatchObject([{ kind: 'broken', count: 1 }, { kind: 'taken_over' }])
    for (const entry of store.entries.values()) store.forget(entry)
    await store.tend()
    expect(segmentsIn(folder).map((path) => path.slice(folder.length))).toEqual(['/broken/log-00000001.log'])
  })

  it('is anything but fatal when it is no outbox at all', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const folder = newFolder()
        writeFileSync(leave(folder, []), bytes)
        const { store } = await open(folder)
        expect(idsOf(store)).toEqual([])
      }),
      { numRuns: 50 },
    )
  })

  it('says of a charge what became of it', async () => {
    const folder = newFolder()
    const fate = (kind: 'accepted' | 'refused', key: string) =>
      formatRecord({ kind, accountId: charge(key).request.accountId, id: chargeId(1, key) })
    leave(folder, [
      ...['accepted', 'refused', 'again', 'unknown'].map((key) => formatRecord(charge(key))),
      fate('accepted', 'accepted'),
      fate('refused', 'refused'),
      fate('refused', 'again'),
      formatRecord(charge('again')),
    ])
    const { store, taken } = await open(folder)
    expect(taken.map((entry) => [nameOf(entry).id.slice(10), entry.accepted])).toEqual([
      ['accepted', true],
      ['unknown', false],
      ['again', false],
    ])
    const records = await Promise.all(taken.map((entry) => store.read(entry)))
    expect(records).toEqual([charge('accepted', true), charge('unknown'), charge('again')])
  })

  it('twice is one entry, and the copy that knows less is not sent by anybody later', async () => {
    const folder = newFolder()
    leave(folder, [formatRecord(charge('a'))], 'one')
    leave(folder, [formatRecord(charge('a', true)), formatRecord(settle('other'))], 'two')
    const { store } = await open(folder)
    expect(idsOf(store)).toHaveLength(2)
    const entry = [...store.entries.values()].find(({ kind }) => kind === 'charge')!
    expect(entry.accepted).toBe(true)
    await store.tend()
    await store.close()
    const next = await open(folder)
    expect(next.taken.filter(({ kind }) => kind === 'charge')).toMatchObject([{ accepted: true }])
  })
})

describe('a disk that does not give back what is on it', () => {
  it.runIf(existsSync('/proc/self/fd'))('does not use up the files that a process may open', async () => {
    const folder = newFolder()
    leave(folder, [formatRecord(settle('a'))])
    const unreadable = join(folder, 'gone', 'log', '00000002.log')
    mkdirSync(unreadable)
    const { store, events } = await open(folder)
    expect(await store.takeOver()).toEqual([])
    expect(events.map(({ kind }) => kind)).toEqual(['load_failed', 'load_failed'])
    expect(openFilesIn(folder)).toEqual([])
    const [log] = readdirSync(folder)
    rmdirSync(join(folder, log!, 'log', '00000002.log'))
    expect((await store.takeOver()).map(({ key }) => key)).toEqual([keyOf(settle('a').request)])
  })

  it('does not keep the logs of others from being tended', async () => {
    const folder = newFolder()
    for (const name of ['one', 'two']) leave(folder, Array(5).fill(formatRecord(settle(name))), name)
    const { store, taken } = await open(folder, { segmentBytes: 1 })
    const unreadable = taken[0]!.log
    const read = store.read.bind(store)
    store.read = (entry) => (entry.log === unreadable ? Promise.reject(new Error('EIO: i/o error, read')) : read(entry))
    for (const entry of store.entries.values()) if (entry.log !== unreadable) store.forget(entry)
    await expect(store.tend()).rejects.toThrow('EIO')
    expect(segmentsIn(folder)).toEqual([join(unreadable.folder, '00000001.log')])
  })
})

describe('a log', () => {
  it('says that a line is written when another process would find it', async () => {
    const folder = newFolder()
    const { store } = await open(folder)
    await store.note(settle('a')).written
    const copy = newFolder()
    cpSync(folder, copy, { recursive: true })
    for (const name of readdirSync(copy)) rmSync(join(copy, name, 'owner'))
    expect(idsOf((await open(copy)).store)).toEqual([chargeId(1, 'a')])
  })

  it('writes what comes in one turn at once, in its order', async () => {
    const folder = newFolder()
    const { store } = await open(folder)
    const keys = Array.from({ length: 500 }, (_, index) => `k${index}`)
    await Promise.all(keys.map((key) => store.note(settle(key)).written))
    expect(contentOf(folder)).toBe(keys.map((key) => formatRecord(settle(key))).join(''))
  })

  it('leaves nothing behind once nothing is needed', async () => {
    const folder = newFolder()
    const { store } = await open(folder, { syncMs: 0, segmentBytes: 2_000 })
    for (let each = 0; each < 20; each++) await store.note(settle(`k${each}`)).written
    expect(segmentsIn(folder).length).toBeGreaterThan(3)
    for (const entry of store.entries.values()) store.forget(entry)
    await store.close()
    expect(readdirSync(folder)).toEqual([])
  })

  it('does not grow with what is long gone because of an entry that stays', async () => {
    const folder = newFolder()
    const { store } = await open(folder, { syncMs: 0, segmentBytes: 2_000 })
    const stays = store.note(charge('stays')).entry
    for (let each = 0; each < 100; each++) {
      const { entry, written } = store.note(settle(`k${each}`))
      await written
      store.forget(entry)
      await new Promise((resolve) => setTimeout(resolve, 1))
      await store.tend()
    }
    // A segment that the disk has not got yet stays a little longer
    await until(async () => {
      await store.tend()
      return store.figures().segments < 8
    })
    expect(await store.read(stays)).toEqual(charge('stays'))
    await store.accept(stays)
    await store.close()
    // What the journal has may come back with the segments that were not deleted yet: it will be asked.
    const { store: next, taken } = await open(folder)
    const charges = taken.filter(({ kind }) => kind === 'charge')
    expect(await Promise.all(charges.map((entry) => next.read(entry)))).toEqual([charge('stays', true)])
  })

  it('keeps what cannot be written, and writes it when it can', async () => {
    const folder = newFolder()
    const { store, events } = await open(folder)
    const [name] = readdirSync(folder)
    const log = join(folder, name!, name!)
    rmSync(log, { recursive: true })
    const { written } = store.note(settle('a'))
    await expect(written).rejects.toMatchObject({ name: 'OutboxUnavailable' })
    expect(store.trouble()).toMatch('ENOENT')
    await store.tend()
    expect(store.trouble()).toMatch('ENOENT')
    const gone = store.note(settle('gone'))
    await expect(gone.written).rejects.toMatchObject({ name: 'OutboxUnavailable' })
    store.forget(gone.entry)
    mkdirSync(log)
    await store.tend()
    expect(store.trouble()).toBeNull()
    expect(events.map(({ kind }) => kind)).toEqual(['write_failed', 'writes_again'])
    expect(contentOf(folder).trim()).toBe(formatRecord(settle('a')).trim())
    expect(readFileSync(segmentsIn(folder)[0]!, 'utf8')).toContain('"actual":7')
  })

  it('loses nothing in a power cut after a sync that failed: it is written again, in its order', async () => {
    const folder = newFolder()
    const { store, events } = await open(folder, { syncMs: 0 })
    const file = await openFile(join(root, 'any-file'), 'w')
    // All files share it: a store of another test may sync, too
    const datasync = vi.spyOn(Object.getPrototypeOf(file) as typeof file, 'datasync')
    datasync.mockRejectedValue(new Error('EIO: fdatasync'))
    await file.close()
    const { entry } = store.note(charge('accepted'))
    await Promise.all([store.accept(entry), store.refuse(store.note(charge('refused')).entry)])
    await until(async () => store.trouble() !== null)
    datasync.mockRestore()
    const notOnDisk = segmentsIn(folder)
    const late = store.note(settle('late'))
    await expect(late.written).rejects.toMatchObject({ name: 'OutboxUnavailable' })
    await store.tend()
    expect(events.map(({ kind }) => kind)).toEqual(['sync_failed', 'writes_again'])
    for (const path of notOnDisk) rmSync(path, { force: true })
    rmSync(join(folder, readdirSync(folder)[0]!, 'owner'))
    const next = await open(folder)
    expect(next.taken.map((each) => [nameOf(each).id.slice(10), each.accepted])).toEqual([
      ['accepted', true],
      ['late', false],
    ])
  })

  it('stops new work before the disk is full', async () => {
    const { store } = await open(newFolder(), { leastFreeBytes: Number.MAX_SAFE_INTEGER })
    await store.tend()
    expect(store.trouble()).toMatch('are free on')
    await store.note(settle('under-way')).written
  })
})

describe('a folder', () => {
  it('belongs to one process', async () => {
    const folder = newFolder()
    const one = await open(folder)
    await one.store.note(settle('a')).written
    const two = await open(folder)
    expect(two.taken).toEqual([])
    expect(readdirSync(folder)).toHaveLength(2)
  })

  it('that was taken over takes no new work from its owner', async () => {
    const folder = newFolder()
    const { store, events } = await open(folder)
    await store.note(settle('a')).written
    rmSync(join(folder, readdirSync(folder)[0]!, 'owner'))
    const other = await open(folder)
    expect(other.taken).toHaveLength(1)
    await store.tend()
    expect(store.trouble()).toMatch('taken')
    expect(events).toMatchObject([{ kind: 'folder_lost' }])
    await expect(store.note(settle('b')).written).rejects.toMatchObject({ name: 'OutboxUnavailable' })
  })

  it('that was taken over takes along the logs of others, and their files are not written any more', async () => {
    const folder = newFolder()
    leave(folder, [formatRecord(charge('a')), formatRecord(settle('b'))])
    const { store, events } = await open(folder)
    const [name] = readdirSync(folder)
    rmSync(join(folder, name!, 'owner'))
    const other = await open(folder)
    expect(other.taken).toHaveLength(2)
    await store.tend()
    const before = contentOf(folder)
    const [a, b] = [...store.entries.values()]
    await expect(store.accept(a!)).rejects.toMatchObject({ name: 'OutboxUnavailable' })
    store.forget(b!)
    leave(folder, [formatRecord(settle('c'))], 'gone-later')
    expect(await store.takeOver()).toEqual([])
    await store.tend()
    await store.close()
    expect(contentOf(folder)).toBe(before + formatRecord(settle('c')))
    expect(events.map(({ kind }) => kind)).toEqual(['taken_over', 'folder_lost'])
    expect(readdirSync(folder)).toHaveLength(2)
  })
})

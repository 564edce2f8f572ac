import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { KeyRequest } from '../../journal/api-key.ts'
import { JournalUnavailable } from '../../journal/journal-unavailable.ts'
import type { Journal } from '../../journal/journal.ts'
import { openJournal } from '../../journal/open-journal.ts'
import { createKeyRing, type KeyRing, type KeyRingDeps } from '../../middleware/api-keys.ts'
import { systemClock } from '../../middleware/clock.ts'
import { backends, freshDatabase, type OpenBackend } from '../journal/backends.ts'
import { openCuttable } from '../stack/cuttable.ts'
import { newAccount } from '../journal/receipts.ts'

function keyFor(accountId: string, change: Partial<KeyRequest> = {}): KeyRequest {
  const mayName = { employee: true, organization: false, message: true, purpose: false }
  return { accountId, name: 'a key', employees: ['ada'], mayName, createsEmployees: false, by: 'admin', ...change }
}

const neverMade = `tg_live_${'0'.repeat(12)}_${'A'.repeat(43)}`

/** A clock whose polls come only when the test says so. */
function manualClock() {
  const ticks: (() => void)[] = []
  let now = 1_000_000
  return {
    now: () => now,
    pass: (ms: number) => (now += ms),
    every: (_: number, tick: () => void) => {
      ticks.push(tick)
      return () => {}
    },
    poll: () => ticks.forEach((tick) => tick()),
  }
}

describe.each(backends)('API keys in $name', (database) => {
  let backend: OpenBackend
  let journal: Journal
  beforeAll(async () => {
    backend = await database.open()
    journal = backend.journal
  })
  afterAll(() => backend.close())

  it('the secret is seen once, with 256 random bits, and kept only as its hash', async () => {
    const { key, secret } = await journal.createKey(keyFor(newAccount()))
    expect(secret).toMatch(new RegExp(`^tg_live_${key.id}_[A-Za-z0-9_-]{43}$`))
    expect(await journal.findKey(secret)).toEqual(key)
    expect(JSON.stringify([await journal.listKeys(key.accountId), await journal.findKey(secret)])).not.toContain(
      secret.slice(-43),
    )
  })

  it('what a key may do comes back as it was given', async () => {
    const accountId = newAccount()
    const all = keyFor(accountId, { name: 'alles', employees: null, createsEmployees: true })
    const none = keyFor(accountId, {
      employees: [],
      mayName: { employee: false, organization: true, message: false, purpose: true },
    })
    const keys = [await journal.createKey(all), await journal.createKey(none)]
    const { by: createdBy, ...shown } = all
    expect(keys[0]!.key).toMatchObject({ ...shown, createdBy, revokedAtMs: null, revokedBy: null })
    expect(keys[1]!.key).toMatchObject({ employees: [], mayName: none.mayName })
    expect((await journal.listKeys(accountId)).map(({ id }) => id).toSorted()).toEqual(
      keys.map(({ key }) => key.id).toSorted(),
    )
  })

  it.each(['', 'sk-something', 'tg_live_', neverMade, `${neverMade}x`, 'nul\0', 'x'.repeat(100_000)])(
    'nobody has the secret %.40s',
    async (secret) => {
      expect(await journal.findKey(secret)).toBeNull()
    },
  )

  it('a key is revoked once, and only by its account', async () => {
    const { key, secret } = await journal.createKey(keyFor(newAccount()))
    expect(await journal.revokeKey(newAccount(), key.id, 'stranger')).toBeNull()
    expect(await journal.revokeKey(key.accountId, 'no-such-key', 'admin')).toBeNull()
    const revoked = await journal.revokeKey(key.accountId, key.id, 'admin')
    expect(revoked).toMatchObject({ id: key.id, revokedBy: 'admin', revokedAtMs: expect.any(Number) })
    expect(await journal.revokeKey(key.accountId, key.id, 'another')).toEqual(revoked)
    expect(await journal.findKey(secret)).toEqual(revoked)
  })

  it('whoever polls misses no change, however many are made at once', async () => {
    const since = await journal.latestKeySerial()
    const seen = new Set<string>()
    let polled = since
    const poll = async () => {
      for (const key of await backend.other.keysChangedSince(polled)) {
        expect(key.serial).toBeGreaterThan(polled)
        polled = key.serial
        if (key.revokedAtMs !== null) seen.add(key.id)
      }
    }
    let busy = true
    const polling = (async () => {
      while (busy) await poll()
    })()
    const revoked = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const target = index % 2 === 0 ? journal : backend.other
        const { key } = await target.createKey(keyFor(newAccount()))
        await target.revokeKey(key.accountId, key.id, 'admin')
        return key.id
      }),
    )
    busy = false
    await polling
    await poll()
    expect([...seen].toSorted()).toEqual(revoked.toSorted())
  })
})

describe('a key ring', () => {
  let journal: Journal
  const rings: KeyRing[] = []
  const ring = (deps: Partial<KeyRingDeps> = {}) => {
    const made = createKeyRing({ journal, clock: systemClock, pollMs: 20, ...deps })
    rings.push(made)
    return made
  }
  beforeAll(async () => {
    journal = await openJournal({ memory: true })
  })
  afterAll(async () => {
    await Promise.all(rings.map((made) => made.close()))
    await journal.close()
  })

  it('a key revoked through one gateway is refused by another that has used it', async () => {
    const { key, secret } = await journal.createKey(keyFor(newAccount()))
    const [one, another] = [ring(), ring()]
    expect([await one.find(secret), await another.find(secret)]).toEqual([key, key])
    await journal.revokeKey(key.accountId, key.id, 'admin')
    await vi.waitUntil(async () => (await one.find(secret)) === 'revoked' && (await another.find(secret)) === 'revoked')
  })

  it('a key is looked up once, by however many calls at a time', async () => {
    const { key, secret } = await journal.createKey(keyFor(newAccount()))
    const findKey = vi.fn<Journal['findKey']>((secret) => journal.findKey(secret))
    const counted = ring({ journal: { ...journal, findKey } })
    expect(await Promise.all(Array.from({ length: 50 }, () => counted.find(secret)))).toEqual(
      Array.from({ length: 50 }, () => key),
    )
    await counted.find(secret)
    expect(findKey).toHaveBeenCalledTimes(1)
  })

  it('an unknown secret is unknown, and not asked for again for a while', async () => {
    const clock = manualClock()
    const findKey = vi.fn<Journal['findKey']>((secret) => journal.findKey(secret))
    const counted = ring({ journal: { ...journal, findKey }, clock })
    expect([await counted.find(neverMade), await counted.find(neverMade)]).toEqual(['unknown', 'unknown'])
    expect(findKey).toHaveBeenCalledTimes(1)
    clock.pass(5_000)
    await vi.waitUntil(async () => (await counted.find(neverMade)) === 'unknown' && findKey.mock.calls.length === 2)
  })

  it.each(['', 'sk-123', 'Bearer x', `${neverMade} `])('the journal is not bothered with %j', async (secret) => {
    const findKey = vi.fn<Journal['findKey']>((secret) => journal.findKey(secret))
    expect(await ring({ journal: { ...journal, findKey } }).find(secret)).toBe('unknown')
    expect(findKey).not.toHaveBeenCalled()
  })

  it('a look-up that is overtaken by a revocation does not bring the key back', async () => {
    const { key, secret } = await journal.createKey(keyFor(newAccount()))
    const clock = manualClock()
    const late = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    const changes = vi.fn<Journal['keysChangedSince']>((serial) => journal.keysChangedSince(serial))
    const slow: KeyRingDeps['journal'] = {
      ...journal,
      keysChangedSince: changes,
      async findKey(wanted) {
        const found = await journal.findKey(wanted)
        asked.resolve()
        await late.promise
        return found
      },
    }
    const overtaken = ring({ journal: slow, clock })
    const finding = overtaken.find(secret)
    await asked.promise
    await journal.revokeKey(key.accountId, key.id, 'admin')
    const polls = changes.mock.calls.length
    clock.poll()
    await vi.waitUntil(
      () => changes.mock.settledResults.length > polls && changes.mock.settledResults.at(-1)?.type === 'fulfilled',
    )
    late.resolve()
    expect(await finding).toBe('revoked')
    expect(await overtaken.find(secret)).toBe('revoked')
  })

  it('a ring that starts while the journal is away answers unavailable, then works', async () => {
    const { key, secret } = await journal.createKey(keyFor(newAccount()))
    let away = true
    const latestKeySerial = async () => {
      if (away) throw new JournalUnavailable('away')
      return journal.latestKeySerial()
    }
    const onPollFailure = vi.fn<(error: unknown) => void>()
    const started = ring({ journal: { ...journal, latestKeySerial }, onPollFailure })
    expect(await started.find(secret)).toBe('unavailable')
    await vi.waitUntil(() => onPollFailure.mock.calls.length > 0)
    away = false
    expect(await started.find(secret)).toEqual(key)
  })
})

it('calls go on with keys that were seen while the database is away, and a revocation is seen when it is back', async () => {
  const database = await freshDatabase()
  const direct = await openJournal({ url: database.url })
  const way = await openCuttable(new URL(database.url))
  const journal = await openJournal({ url: way.url }, { clock: Date.now, randomBytes })
  const keys = createKeyRing({ journal, clock: systemClock, pollMs: 20 })
  const [seen, unseen] = [await direct.createKey(keyFor(newAccount())), await direct.createKey(keyFor(newAccount()))]
  expect(await keys.find(seen.secret)).toEqual(seen.key)

  way.cut()
  expect(await keys.find(seen.secret)).toEqual(seen.key)
  expect(await keys.find(neverMade)).toBe('unavailable')
  await direct.revokeKey(seen.key.accountId, seen.key.id, 'admin')
  expect(await keys.find(seen.secret)).toEqual(seen.key)

  way.mend()
  await vi.waitUntil(async () => (await keys.find(seen.secret)) === 'revoked')
  expect(await keys.find(unseen.secret)).toEqual(unseen.key)
  await keys.close()
  await Promise.all([journal.close(), direct.close()])
  way.close()
  await database.drop()
})

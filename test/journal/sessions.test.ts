import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toMicro } from '../../credits/money.ts'
import type { SessionEntry } from '../../journal/sessions.ts'
import { backends, type OpenBackend } from './backends.ts'
import { newAccount } from './receipts.ts'

const begun = (accountId: string, id: string, change: Partial<SessionEntry> = {}): SessionEntry => ({
  accountId,
  id,
  kind: 'meeting',
  employee: 'ada',
  organization: 'lab',
  messageId: '',
  adapter: 'meeting_bot',
  ref: `bot-of-${accountId}-${id}`,
  platform: 'zoom',
  perMinute: toMicro(1_500_000),
  rounding: 'second',
  startedAtMs: 1_800_000_000_000,
  endAskedAtMs: null,
  endedAtMs: null,
  endReason: null,
  charged: null,
  ...change,
})
const over = { endedAtMs: 1_800_000_090_000, endReason: 'left', charged: toMicro(2_250_000) } as const

describe.each(backends)('sessions in $name', (database) => {
  let backend: OpenBackend
  beforeAll(async () => void (backend = await database.open()))
  afterAll(() => backend.close())

  it('one comes back as it was noted, and only to its own account', async () => {
    const { sessions } = backend.journal
    const account = newAccount()
    await sessions.save(begun(account, 'call'))
    expect(await sessions.find(account, 'call')).toEqual(begun(account, 'call'))
    expect(await sessions.find(newAccount(), 'call')).toBeNull()
    expect(await sessions.findByRef('meeting_bot', `bot-of-${account}-call`)).toEqual(begun(account, 'call'))
    expect(await sessions.findByRef('livekit', `bot-of-${account}-call`)).toBeNull()
  })

  it('an end is kept, whatever is noted again after it, and may be the first that is heard', async () => {
    const { sessions } = backend.journal
    const account = newAccount()
    await sessions.save(begun(account, 'late', over))
    await sessions.save(begun(account, 'late'))
    await sessions.save(begun(account, 'late', { ...over, endReason: 'credits', charged: toMicro(1) }))
    expect(await sessions.find(account, 'late')).toEqual(begun(account, 'late', over))
  })

  it('one that had to be let in began when it was, as its end tells', async () => {
    const { sessions } = backend.journal
    const account = newAccount()
    await sessions.save(begun(account, 'door'))
    const letIn = { ...over, startedAtMs: 1_800_000_060_000 }
    await sessions.save(begun(account, 'door', letIn))
    await sessions.save(begun(account, 'door'))
    expect(await sessions.find(account, 'door')).toEqual(begun(account, 'door', letIn))
  })

  it('an end that was asked for is known until there is one', async () => {
    const { sessions } = backend.journal
    const account = newAccount()
    const asked = { reason: 'requested', atMs: 1_800_000_080_000 } as const
    await sessions.noteEndAsked(account, 'asked', asked)
    expect(await sessions.find(account, 'asked')).toBeNull()
    await sessions.save(begun(account, 'asked'))
    await sessions.noteEndAsked(account, 'asked', asked)
    await sessions.noteEndAsked(account, 'asked', { reason: 'left', atMs: 1_800_000_081_000 })
    await sessions.save(begun(account, 'asked'))
    const known = { endReason: asked.reason, endAskedAtMs: asked.atMs }
    expect(await sessions.find(account, 'asked')).toEqual(begun(account, 'asked', known))
    await sessions.save(begun(account, 'asked', over))
    await sessions.noteEndAsked(account, 'asked', asked)
    expect(await sessions.find(account, 'asked')).toEqual(begun(account, 'asked', { ...known, ...over }))
  })

  it('the list is newest first and goes on where a page ended; open ones can be asked for alone', async () => {
    const { sessions } = backend.journal
    const account = newAccount()
    for (const [at, id] of ['a', 'b', 'c', 'd'].entries())
      await sessions.save(
        begun(account, id, { startedAtMs: 1_800_000_000_000 + Math.floor(at / 2), ...(at === 3 ? over : {}) }),
      )
    const first = await sessions.list(account, { open: false, limit: 3 })
    expect(first.map(({ id }) => id)).toEqual(['d', 'c', 'b'])
    const rest = await sessions.list(account, { open: false, limit: 3, before: first.at(-1) })
    expect(rest.map(({ id }) => id)).toEqual(['a'])
    expect((await sessions.list(account, { open: true, limit: 9 })).map(({ id }) => id)).toEqual(['c', 'b', 'a'])
  })
})

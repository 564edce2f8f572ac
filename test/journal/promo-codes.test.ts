import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Journal } from '../../journal/journal.ts'
import { JournalUnavailable } from '../../journal/journal-unavailable.ts'
import type { NewPromoCode, PromoAnswer, Taker } from '../../journal/promo-codes.ts'
import { backends, type OpenBackend } from './backends.ts'

const promo = (code: string, change: Partial<NewPromoCode> = {}): NewPromoCode & { readonly by: string } => ({
  code,
  amount: 200_000_000,
  keeps: true,
  periods: null,
  validFromMs: null,
  validUntilMs: null,
  mostTaken: null,
  mostPerPerson: 1,
  by: 'test',
  ...change,
})
/** As a caller does who was told to try again: so many at once wait too long for a connection. */
async function claim(journal: Journal, wanted: Taker): Promise<PromoAnswer> {
  for (;;) {
    try {
      return await journal.promoCodes.claim(wanted)
    } catch (error) {
      if (!(error instanceof JournalUnavailable)) throw error
    }
  }
}
const taker = (code: string, name: string) => ({ code, accountId: name, person: `${name}@example.com` })

describe.each(backends)('promo codes in $name', (database) => {
  let backend: OpenBackend
  beforeAll(async () => void (backend = await database.open()))
  afterAll(() => backend.close())

  it(
    'a hundred that are left are given a hundred times, to a thousand takers at once',
    { timeout: 60_000 },
    async () => {
      const { journal, other } = backend
      await journal.promoCodes.create(promo('HUNDRED', { mostTaken: 100 }))
      const answers = await Promise.all(
        Array.from({ length: 1_000 }, (_, index) =>
          claim(index % 2 === 0 ? journal : other, taker('HUNDRED', `taker-${index}`)),
        ),
      )
      expect(answers.filter(({ ok }) => ok)).toHaveLength(100)
      expect(answers.filter((answer) => !answer.ok && answer.code === 'promo_used')).toHaveLength(900)
      expect(await journal.promoCodes.find('HUNDRED')).toMatchObject({ taken: 100 })
    },
  )

  it('one that is given back can be taken again, and giving back twice gives back once', async () => {
    const { promoCodes } = backend.journal
    await promoCodes.create(promo('BACK', { mostTaken: 1 }))
    expect(await promoCodes.claim(taker('BACK', 'ada'))).toMatchObject({ ok: true })
    expect(await promoCodes.claim(taker('BACK', 'ada'))).toMatchObject({ ok: true })
    expect(await promoCodes.claim(taker('BACK', 'bo'))).toMatchObject({ code: 'promo_used' })
    await Promise.all([1, 2].map(() => promoCodes.release({ code: 'BACK', accountId: 'ada' })))
    expect(await promoCodes.find('BACK')).toMatchObject({ taken: 0 })
    expect(await promoCodes.claim(taker('BACK', 'bo'))).toMatchObject({ ok: true })
  })

  it('is good from its first moment until before its last', async () => {
    const { promoCodes } = backend.journal
    const nowMs = Date.now()
    const hour = 3_600_000
    await promoCodes.create(promo('PAST', { validUntilMs: nowMs }))
    await promoCodes.create(promo('FUTURE', { validFromMs: nowMs + hour }))
    await promoCodes.create(promo('PRESENT', { validFromMs: nowMs, validUntilMs: nowMs + hour }))
    const check = (code: string) => promoCodes.check({ code, person: null })
    expect(await check('PAST')).toMatchObject({
      code: 'promo_expired',
      message: expect.stringContaining('has expired'),
    })
    expect(await check('FUTURE')).toMatchObject({
      code: 'promo_expired',
      message: expect.stringContaining('not valid yet'),
    })
    expect(await check('PRESENT')).toMatchObject({ ok: true })
    expect(await check('NOTHING')).toMatchObject({ code: 'promo_unknown' })
    await promoCodes.end({ code: 'PRESENT', by: 'eve' })
    expect(await check('PRESENT')).toMatchObject({ code: 'promo_expired' })
    expect(await promoCodes.claim(taker('PRESENT', 'ada'))).toMatchObject({ code: 'promo_expired' })
  })

  it('counts persons, not accounts', async () => {
    const { promoCodes } = backend.journal
    await promoCodes.create(promo('TWICE', { mostPerPerson: 2 }))
    const jo = (accountId: string) => promoCodes.claim({ code: 'TWICE', accountId, person: 'jo@example.com' })
    expect((await Promise.all(['a', 'b', 'c', 'd'].map(jo))).filter(({ ok }) => ok)).toHaveLength(2)
    expect(await promoCodes.check({ code: 'TWICE', person: 'jo@example.com' })).toMatchObject({ code: 'promo_used' })
    expect(await promoCodes.check({ code: 'TWICE', person: 'bo@example.com' })).toMatchObject({ ok: true })
  })
})

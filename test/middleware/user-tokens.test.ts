import { createHmac } from 'node:crypto'
import { SignJWT, UnsecuredJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { createTokens, tokenLifetimeSeconds } from '../../middleware/user-tokens.ts'

const startMs = Date.UTC(2026, 10, 14, 9, 30)
const secret = 'a secret of at least thirty-two bytes'
const deps = { secret, audience: 'https://gateway.example', issuer: 'tollgate', clock: { now: () => startMs } }
const tokens = createTokens(deps)
const key = new TextEncoder().encode(secret)

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
/** A token signed with the right secret, whatever it says. */
function signed(header: unknown, claims: unknown): string {
  const body = `${encode(header)}.${encode(claims)}`
  return `${body}.${createHmac('sha256', secret).update(body).digest('base64url')}`
}
const header = { alg: 'HS256', typ: 'JWT' }
const claims = { sub: 'ada', aud: deps.audience, iss: deps.issuer, iat: startMs / 1_000, exp: startMs / 1_000 + 60 }

describe('a user token', () => {
  it('says whose it is, for 15 minutes', async () => {
    const { token, expiresAtMs } = await tokens.mint('ada')
    expect(expiresAtMs).toBe(startMs + tokenLifetimeSeconds * 1_000)
    expect(await tokens.verify(token)).toEqual({ ok: true, accountId: 'ada', expiresAtMs })
    const at = (nowMs: number) => createTokens({ ...deps, clock: { now: () => nowMs } }).verify(token)
    expect(await at(expiresAtMs - 1_000)).toMatchObject({ ok: true })
    expect(await at(expiresAtMs)).toEqual({ ok: false, code: 'token_expired' })
    expect(await at(expiresAtMs + 86_400_000)).toEqual({ ok: false, code: 'token_expired' })
  })

  it('made by hand with the right secret and claims is accepted: the refusals below are about what differs', async () => {
    expect(await tokens.verify(signed(header, claims))).toMatchObject({ ok: true, accountId: 'ada' })
  })

  const invalid: [string, () => string | Promise<string>][] = [
    [
      'for another audience',
      async () => (await createTokens({ ...deps, audience: 'https://other.example' }).mint('ada')).token,
    ],
    ['of another issuer', async () => (await createTokens({ ...deps, issuer: 'someone' }).mint('ada')).token],
    ['under another secret', async () => (await createTokens({ ...deps, secret: `${secret}!` }).mint('ada')).token],
    [
      'with another payload',
      async () => (await tokens.mint('ada')).token.replace(/\.[^.]+\./, `.${encode({ ...claims, sub: 'bob' })}.`),
    ],
    ['with its signature cut off', async () => (await tokens.mint('ada')).token.replace(/[^.]+$/, '')],
    [
      'with a changed signature',
      async () => (await tokens.mint('ada')).token.replace(/[^.]+$/, (s) => s.split('').toReversed().join('')),
    ],
    [
      'with alg none',
      () =>
        new UnsecuredJWT({})
          .setSubject('ada')
          .setAudience(deps.audience)
          .setIssuer(deps.issuer)
          .setIssuedAt(startMs / 1_000)
          .setExpirationTime(claims.exp)
          .encode(),
    ],
    ['with alg none and a signature', () => signed({ ...header, alg: 'none' }, claims)],
    [
      'with another algorithm',
      () => new SignJWT(claims).setProtectedHeader({ alg: 'HS512' }).sign(new Uint8Array([...key, ...key])),
    ],
    ['without an account', () => signed(header, { ...claims, sub: undefined })],
    ['with an empty account', () => signed(header, { ...claims, sub: '' })],
    ['with an account that is no text', () => signed(header, { ...claims, sub: 7 })],
    ['that never expires', () => signed(header, { ...claims, exp: undefined })],
    ['that expires in words', () => signed(header, { ...claims, exp: 'tomorrow' })],
    ['without an audience', () => signed(header, { ...claims, aud: undefined })],
    ['from the future', () => signed(header, { ...claims, nbf: claims.exp })],
    ['with a critical extension nobody knows', () => signed({ ...header, crit: ['odd'], odd: true }, claims)],
    ['that is empty', () => ''],
    ['that is noise', () => 'not.a.token'],
    ['that is two dots', () => '..'],
    ['with odd characters', () => 'é\0.ü.\uD800'],
    ['that is an API key', () => `tg_live_000000000000_${'A'.repeat(43)}`],
    ['that is very long', () => 'a.'.repeat(500_000)],
  ]
  it.each(invalid)('%s is invalid', async (_, make) => {
    expect(await tokens.verify(await make())).toEqual({ ok: false, code: 'token_invalid' })
  })

  it('that has expired is called so only where it was once valid', async () => {
    const expired = { ...claims, iat: claims.iat - 120, exp: claims.iat - 60 }
    expect(await tokens.verify(signed(header, expired))).toEqual({ ok: false, code: 'token_expired' })
    expect(await tokens.verify(signed(header, { ...expired, aud: 'https://other.example' }))).toEqual({
      ok: false,
      code: 'token_invalid',
    })
  })

  it.each([0, -1, 1.5, 86_401, Number.NaN])('is never minted for %d seconds', async (lifetimeSeconds) => {
    await expect(tokens.mint('ada', { lifetimeSeconds })).rejects.toThrow(RangeError)
  })

  it('is never minted for nobody', async () => {
    await expect(tokens.mint('')).rejects.toThrow(RangeError)
  })

  it('needs a secret worth the name', () => {
    expect(() => createTokens({ ...deps, secret: 'short' })).toThrow(/32/)
  })
})

import { createServer, type Server } from 'node:http'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { creditsToMicro, toMicro } from '../../credits/money.ts'
import { runProgram } from '../e2e/processes.ts'
import { adminKey, type ApiStand, openApiStand } from '../gateway-api/api-stand.ts'

let stand: ApiStand
let server: Server
let url: string
const folder = mkdtempSync(join(tmpdir(), 'tollgate-cli-'))

beforeAll(async () => {
  stand = await openApiStand()
  server = createServer(getRequestListener(stand.app.fetch))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true, force: true })
  await stand.close()
})

/** As a person types it. */
async function tollgate(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const door = { TOLLGATE_URL: url, ADMIN_KEY: adminKey, DATA_DIR: join(folder, 'nothing'), ...environment }
  const program = runProgram('bin/tollgate.mjs', door, undefined, args)
  const code = await program.ended
  return { code, text: program.output() }
}
const why = ['--reason', 'it was slow', '--by', 'eve'] as const

describe('tollgate account', () => {
  test('show draws what is left, where it went and what was granted', async () => {
    const { accountId } = await stand.user()
    await stand.charge(accountId, { amount: creditsToMicro(250) })
    const { code, text } = await tollgate(['account', 'show', accountId])
    expect(code).toBe(0)
    expect(text).toContain(`${accountId}@example.com   Free`)
    expect(text).toMatch(/█{23}░{7} {2}750 credits left of 1,000/)
    expect(text).toMatch(/AI Usage\s+250/)
    expect(text).toMatch(/welcome\s+1,000\s+750\s+active/)
    const asJson = await tollgate(['account', 'show', accountId, '--json'])
    expect(JSON.parse(asJson.text)).toMatchObject({
      account: { accountId },
      balance: { remaining: creditsToMicro(750) },
      usage: { total: creditsToMicro(250) },
      grants: { items: [{ source: 'welcome' }] },
    })
  })

  test('grant gives once per key, and is in the audit log with who and why', async () => {
    const { accountId } = await stand.user()
    const grant = ['account', 'grant', accountId, '12.5', ...why, '--key', 'once']
    expect((await tollgate(grant)).text).toBe('granted 12.5 credits as once; 1,012.5 left of 1,012.5\n')
    expect((await tollgate(grant)).text).toContain('1,012.5 left of 1,012.5')
    const { text } = await tollgate(['audit', accountId])
    expect(text).toMatch(/eve\s+POST accounts\/\{id\}\/grants\s+it was slow\s+done/)
  })

  test('refund gives back what a charge took', async () => {
    const { accountId } = await stand.user()
    const receipt = await stand.charge(accountId, { amount: toMicro(2_500_000) })
    const { text } = await tollgate(['account', 'refund', accountId, receipt, '0.5', ...why])
    expect(text).toBe(`refunded 0.5 credits as refund:${receipt}; 998 left of 1,000.5\n`)
  })

  test('take-back takes credits, once per key', async () => {
    const { accountId } = await stand.user()
    const takeBack = ['account', 'take-back', accountId, '300', ...why, '--key', 'cb']
    for (let count = 0; count < 2; count += 1)
      expect((await tollgate(takeBack)).text).toBe('took back 300 credits as cb; 700 left of 700\n')
    expect((await tollgate(['account', 'show', accountId])).text).toMatch(/adjustment\s+it was slow\s+−300/)
  })

  test('plan changes the plan', async () => {
    const { accountId } = await stand.user()
    const { text } = await tollgate(['account', 'plan', accountId, 'pro', ...why])
    expect(text).toMatch(/^plan pro from \d{4}-\d\d-\d\d \d\d:\d\d UTC\n$/)
  })

  test('key makes, lists and revokes', async () => {
    const { accountId } = await stand.user()
    const made = await tollgate([
      'account',
      'key',
      'create',
      accountId,
      '--name',
      'batch',
      '--employees',
      'ada,bo',
      ...why,
    ])
    const [secret = ''] = made.text.split('\n')
    expect(await stand.ask('GET', '/credits/v1/balance', { as: secret })).toMatchObject({ status: 200 })
    const id = /key (\S+);/.exec(made.text)![1]!
    expect((await tollgate(['account', 'key', 'list', accountId])).text).toMatch(
      new RegExp(`${id}\\s+batch\\s+ada, bo`),
    )
    expect((await tollgate(['account', 'key', 'revoke', accountId, id, ...why])).text).toContain(
      `key ${id} was revoked`,
    )
  })

  test('token lets an operator see what the user sees', async () => {
    const { accountId } = await stand.user()
    const { text } = await tollgate(['account', 'token', accountId])
    expect(await stand.ask('GET', '/credits/v1/balance', { as: text.trim() })).toMatchObject({ body: { accountId } })
  })
})

describe('tollgate', () => {
  test('takes no number that it cannot read', async () => {
    for (const option of [
      ['--most', '1,000'],
      ['--per-person', 'two'],
      ['--periods', '3x'],
    ]) {
      const { code, text } = await tollgate(['promo', 'create', 'ODD', '5', ...option, ...why])
      expect(code).toBe(1)
      expect(text).toContain('a whole number, without separators')
    }
  })

  test('says under which key a change can be repeated when no answer comes', async () => {
    const { code, text } = await tollgate(['account', 'grant', 'ada', '5', ...why], {
      TOLLGATE_URL: 'http://127.0.0.1:1',
    })
    expect(code).toBe(1)
    expect(text).toMatch(/^gateway_away: .*repeat it with --key cli_[\w-]{36}\n$/)
  })

  test('takes no key of one gateway to another', async () => {
    const { text } = await tollgate(['audit'], { ADMIN_KEY: '' })
    expect(text).toMatch(/^no_gateway: TOLLGATE_URL is set and ADMIN_KEY is not/)
  })
})

describe('tollgate promo', () => {
  test('makes, lists and ends a code', async () => {
    const made = await tollgate([
      'promo',
      'create',
      'spring',
      '200',
      '--most',
      '5',
      '--until',
      '2030-01-01T00:00:00Z',
      ...why,
    ])
    expect(made.text).toMatch(/SPRING\s+200\s+until used\s+0\s+5\s/)
    expect((await tollgate(['promo', 'list'])).text).toMatch(/SPRING\s+200\s+until used\s+0\s+5\s+2030-01-01 00:00/)
    expect((await tollgate(['promo', 'end', 'spring', ...why])).text).toBe('SPRING has ended; it was taken 0 times\n')
    expect((await tollgate(['promo', 'end', 'nothing', ...why])).text).toMatch(/^promo_unknown: /)
  })
})

describe('what goes wrong is said in a line, with exit code 1', () => {
  test.each([
    ['an account that nobody has', ['account', 'show', 'nobody-here'], {}, /^account_unknown: /],
    ['a wrong key', ['account', 'show', 'a'], { ADMIN_KEY: 'another-key-altogether' }, /^unauthenticated: /],
    ['no gateway', ['audit'], { TOLLGATE_URL: 'http://127.0.0.1:9' }, /^gateway_away: no gateway answers at /],
    ['no stack here', ['audit'], { TOLLGATE_URL: '', ADMIN_KEY: '' }, /^no_gateway: .*npm start/],
    ['no reason', ['account', 'grant', 'a', '5'], {}, /required option '--reason <text>' not specified/],
  ])('%s', async (_, args, environment, says) => {
    const { code, text } = await tollgate(args, environment)
    expect(code).toBe(1)
    expect(text).toMatch(says)
    expect(text).not.toContain('    at ')
  })

  test('as JSON where JSON was asked for', async () => {
    const { code, text } = await tollgate(['account', 'show', 'nobody-here', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'account_unknown' } })
  })
})

test('without addresses it speaks to the stack that runs in the folder', async () => {
  const { accountId } = await stand.user()
  writeFileSync(join(folder, 'dev.json'), JSON.stringify({ gatewayUrl: url, adminKey }))
  const { code, text } = await tollgate(['account', 'show', accountId], {
    TOLLGATE_URL: '',
    ADMIN_KEY: '',
    DATA_DIR: folder,
  })
  expect(code).toBe(0)
  expect(text).toContain(accountId)
})

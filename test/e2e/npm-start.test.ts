import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Program, runProgram } from './processes.ts'
import { until } from '../stack/until.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

type Request = Omit<RequestInit, 'headers'> & { readonly headers?: Readonly<Record<string, string>> }

interface DevFacts {
  readonly gatewayUrl: string
  readonly webUrl: string
  readonly temporalUiUrl: string
  readonly temporalAddress: string
  readonly redisUrl: string
  readonly adminKey: string
  readonly demo: {
    readonly accountId: string
    readonly apiKey: string
    readonly token: string
    readonly signInLink: string
  }
}

const folder = mkdtempSync(join(tmpdir(), 'tollgate-start-'))
const dataDir = join(folder, '.tollgate')
// As the shipped catalogue, but a welcome bonus that a test can spend, and credits that reset with the period.
const catalogue = join(folder, 'catalogue.yaml')
writeFileSync(
  catalogue,
  readFileSync(join(root, 'catalogue.yaml'), 'utf8').replace('amount: 1000, keeps: true', 'amount: 3, keeps: true'),
)

const taken = createServer()
let environment: Record<string, string>
let program: Program
let facts: DevFacts

async function start(): Promise<void> {
  program = runProgram('bin/dev.ts', environment)
  await program.printed(/Ctrl-C stops everything/)
  facts = JSON.parse(readFileSync(join(dataDir, 'dev.json'), 'utf8')) as DevFacts
}

async function stop(): Promise<number | NodeJS.Signals> {
  program.signal('SIGINT')
  return program.ended
}

async function api(path: string, init: Request = {}, key = facts.demo.apiKey): Promise<Record<string, unknown>> {
  const answer = await fetch(`${facts.gatewayUrl}${path}`, {
    ...init,
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...init.headers },
  })
  return (await answer.json()) as Record<string, unknown>
}

const openai = (apiKey = facts.demo.apiKey) => new OpenAI({ baseURL: `${facts.gatewayUrl}/v1`, apiKey, maxRetries: 0 })

/** What all charges since `start` come to, micro-credits: the demo's history is longer than a page. */
async function chargedSince(start: string): Promise<number> {
  let sum = 0
  let cursor: string | null = ''
  while (cursor !== null) {
    const query = new URLSearchParams({ from: start, limit: '200', ...(cursor === '' ? {} : { cursor }) })
    const page = (await api(`/credits/v1/activity?${query.toString()}`)) as {
      items: { credits: number }[]
      next: string | null
    }
    sum += page.items.reduce((total, { credits }) => total + credits, 0)
    cursor = page.next
  }
  return sum
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  )
}

describe('npm start', () => {
  beforeAll(async () => {
    // Another stack has all its ports: this one must find others.
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const port = String((taken.address() as AddressInfo).port)
    environment = {
      DATA_DIR: dataDir,
      CATALOGUE: catalogue,
      PRACTICE_TOKENS_PER_SECOND: '0',
      PORT: port,
      REDIS_PORT: port,
      TEMPORAL_PORT: port,
      TEMPORAL_UI_PORT: port,
    }
    await start()
  }, 120_000)

  afterAll(async () => {
    await stop()
    taken.close()
    rmSync(folder, { recursive: true, force: true })
  })

  test('prints a call that works, and what the README says works too', async () => {
    const printed = program.output().match(/ {2}curl[^]*?\n\n/g) ?? []
    expect(printed).toHaveLength(2)
    const readme = readFileSync(join(root, 'README.md'), 'utf8')
    const [quickStart, ...others] = [...readme.matchAll(/```sh\n([^]*?)```/g)].flatMap(([, commands]) =>
      commands!.includes('TOLLGATE_URL') ? [commands!] : [],
    )
    expect(others).toHaveLength(1)
    const run = async (commands: string) =>
      (await promisify(execFile)('bash', ['-euc', commands], { cwd: folder })).stdout
    for (const commands of [printed[0]!, quickStart!]) {
      const stdout = await run(commands)
      expect(stdout).toContain('"choices"')
      expect(stdout).toMatch(/"microCredits":[1-9]/)
    }
    const atZero = await run(`${quickStart}${others[0]}`)
    expect(atZero).toMatch(/"code":"(credits_depleted|insufficient_credits)"/)
    expect(atZero).toContain('"amount":500000000')
  })

  test('writes where everything is, once everything answers', async () => {
    expect(Object.keys(facts)).toEqual([
      'gatewayUrl',
      'webUrl',
      'companyUrl',
      'temporalUiUrl',
      'temporalAddress',
      'redisUrl',
      'adminKey',
      'serviceKey',
      'demo',
    ])
    expect(await answers(`${facts.gatewayUrl}/healthz`)).toBe(true)
    expect(await answers(facts.temporalUiUrl)).toBe(true)
    const ports = [facts.gatewayUrl, facts.temporalUiUrl, facts.redisUrl, `http://${facts.temporalAddress}`].map(
      (url) => new URL(url).port,
    )
    expect(new Set([...ports, environment['PORT']]).size).toBe(5)
    expect(await api('/readyz')).toMatchObject({
      status: 'ready',
      parts: { ledger: 'ok', temporal: 'ok', journal: 'ok' },
    })
    expect(await api('/credits/v1/balance', {}, facts.demo.token)).toMatchObject({ accountId: 'demo' })
  })

  test('prints a link that signs the demo user in, once', async () => {
    const [, link = ''] = / {2}sign in {6}(\S+)/.exec(program.output()) ?? []
    expect(link).toBe(facts.demo.signInLink)
    expect(await (await fetch(link)).text()).toContain('<button>Sign in</button>')
    const code = new URL(link).searchParams.get('code')
    const enter = () =>
      fetch(`${facts.gatewayUrl}/credits/v1/login/code`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ code }),
      })
    const entered = await enter()
    const cookie = entered.headers.getSetCookie()[0]!.split(';')[0]!
    const balance = await fetch(`${facts.gatewayUrl}/credits/v1/balance`, { headers: { cookie } })
    expect(await balance.json()).toMatchObject({ accountId: 'demo' })
    expect((await enter()).status).toBe(401)
  })

  test('one call costs the same in answer, receipt, usage rows, workflow and journal', async () => {
    const before = await api('/credits/v1/usage')
    const answer = await openai().chat.completions.create(
      { model: 'advanced', messages: [{ role: 'user', content: 'Write forty words.' }] },
      { headers: { 'x-tollgate-message': 'message-1' } },
    )
    const { receipt: id, microCredits } = (answer as unknown as { tollgate: { receipt: string; microCredits: number } })
      .tollgate
    expect(microCredits).toBeGreaterThan(0)

    const receipt = await api(`/credits/v1/receipts/${id}`)
    expect(receipt).toMatchObject({ total: microCredits })
    const after = await api('/credits/v1/usage')
    expect((after['total'] as number) - (before['total'] as number)).toBe(microCredits)
    expect(await api('/credits/v1/messages/message-1')).toMatchObject({ total: microCredits, entryIds: [id] })

    const inWorkflow = await until(async () => {
      const { items } = (await api('/credits/v1/history')) as { items?: { used: number }[] }
      const used = items?.[0]?.used
      return used === after['total'] ? used : undefined
    })
    const inJournal = await until(async () => {
      const { items } = (await api('/credits/v1/history')) as { items: { from: string }[] }
      const sum = await chargedSince(items[0]!.from)
      return sum === after['total'] ? sum : undefined
    })
    expect([inWorkflow, inJournal]).toEqual([after['total'], after['total']])
  })

  test('at zero the stream stops, the next call is refused, and a grant brings it back', async () => {
    await api(
      '/admin/v1/accounts',
      {
        method: 'POST',
        body: JSON.stringify({ userId: 'spender', email: 'spender@example.com', timeZone: 'Europe/Berlin' }),
      },
      facts.adminKey,
    )
    const created = (await api(
      '/admin/v1/accounts/spender/keys',
      { method: 'POST', body: JSON.stringify({ name: 'test' }) },
      facts.adminKey,
    )) as { secret: string }
    const client = openai(created.secret)
    const ask = async () => {
      const stream = await client.chat.completions.create({
        model: 'advanced',
        stream: true,
        messages: [{ role: 'user', content: 'Write 20000 words.' }],
      })
      let words = ''
      for await (const chunk of stream) words += chunk.choices[0]?.delta.content ?? ''
      return words
    }
    await expect(ask()).rejects.toMatchObject({ code: 'credits_depleted' })
    expect(await api('/credits/v1/balance', {}, created.secret)).toMatchObject({ remaining: 0, held: 0, available: 0 })
    await expect(
      client.chat.completions.create({ model: 'fast', messages: [{ role: 'user', content: 'Hello?' }] }),
    ).rejects.toMatchObject({ status: 402, code: 'credits_depleted' })

    await api(
      '/admin/v1/accounts/spender/grants',
      {
        method: 'POST',
        body: JSON.stringify({ credits: '2', source: 'adjustment', reason: 'test' }),
        headers: { 'idempotency-key': 'grant-1' },
      },
      facts.adminKey,
    )
    const answer = await client.chat.completions.create({
      model: 'fast',
      messages: [{ role: 'user', content: 'Hello?' }],
    })
    expect(answer.choices[0]?.message.content).not.toBe('')
  })

  // Before the day of work, which waits until all that was begun is charged.
  test.each([
    ['begun by its page', []],
    ["begun by an employee's workflow", ['--ask']],
  ])(
    '`npm run call`: a voice call %s ticks, is hung up, and its receipts add up',
    async (_, more) => {
      const options = ['--seconds', '3', ...more]
      const program = runProgram('examples/company/play-call.ts', { DATA_DIR: dataDir }, undefined, options)
      expect([await program.ended, program.output()]).toEqual([
        0,
        expect.stringContaining('add up to the micro-credit'),
      ])
      expect(program.output()).toMatch(/^a voice call with ada · 3 credits a minute\n/)
      expect(program.output()).toMatch(/\n0:0\d {2}[█░]{30} {2}0\.\d{6} credits\n/)
      expect(program.output()).toMatch(/ended: you ended it · 0:0\d · 0\.\d{6} credits\n {2}minute 1/)
    },
    60_000,
  )

  test('`npm run company`: a day of work, whose charges add up to what the balance lost', async () => {
    const program = runProgram('examples/company/day-of-work.ts', { DATA_DIR: dataDir })
    expect([await program.ended, program.output()]).toEqual([0, expect.stringContaining('add up to the micro-credit')])
    for (const charge of [
      /AI usage, \d+ tokens +fast practice\/\S+ +ada /,
      /AI usage, \d+ tokens +advanced practice\/\S+ +clara /,
      /Internal: safety, .* ada /,
      /Internal: memory, .* bruno /,
      /Tool calls: image\.standard .* clara +4\.000000\n/,
      /Tool calls: mail +bruno +0\.050000\n/,
      /Tool calls: web\.search +clara +free\n/,
      /Tasks completed +bruno +0\.250000\n/,
      /Compute runtime, [\d.]+ s /,
    ])
      expect(program.output()).toMatch(charge)
    const { remaining } = (await api('/credits/v1/balance')) as { remaining: number }
    expect(program.output()).toMatch(new RegExp(`balance after +${(remaining / 1_000_000).toFixed(6)}\n`))
  }, 240_000)

  test('a second stack on the same folder is refused, and changes nothing', async () => {
    const second = runProgram('bin/dev.ts', environment)
    expect(await second.ended).toBe(1)
    expect(second.output()).toContain('already_running')
    expect(await answers(`${facts.gatewayUrl}/healthz`)).toBe(true)
  })

  test('Ctrl-C stops every child, and the next start knows balance, usage and key', async () => {
    const before = { facts, balance: await api('/credits/v1/balance'), usage: await api('/credits/v1/usage') }
    expect(await stop()).toBe(0)
    for (const url of [
      facts.gatewayUrl,
      facts.temporalUiUrl,
      facts.redisUrl.replace('redis:', 'http:'),
      `http://${facts.temporalAddress}`,
    ]) {
      expect({ url, answers: await answers(url) }).toEqual({ url, answers: false })
    }
    await start()
    expect(facts.demo.apiKey).toBe(before.facts.demo.apiKey)
    expect(await api('/credits/v1/balance')).toMatchObject({
      used: before.balance['used'],
      remaining: before.balance['remaining'],
    })
    expect(await api('/credits/v1/usage')).toMatchObject({ total: before.usage['total'] })
  }, 120_000)
})

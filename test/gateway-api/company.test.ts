import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiStand, openApiStand, type TestUser } from './api-stand.ts'

let stand: ApiStand
let server: Server
let user: TestUser
let companyUrl: string | null
let seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string } | undefined

beforeAll(async () => {
  stand = await openApiStand()
  user = await stand.user()
  server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      seen = { method, url, headers, body: Buffer.concat(parts).toString() }
      response.writeHead(202, { 'content-type': 'application/json', 'set-cookie': 'a=b', 'x-inside': 'yes' })
      response.end('{"answer":"done"}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  companyUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  await new Promise((resolve) => server?.close(resolve))
  await stand?.close()
})

const signIn = async (): Promise<string> => {
  const { secret } = await stand.deps.journal.signIns.begin({ accountId: user.accountId, lifetimeMs: 60_000 })
  return `tollgate_session=${secret}`
}
const app = () => stand.another({ companyUrl: () => companyUrl, publicUrl: () => 'https://tollgate.example' })
const ask = (path: string, init: RequestInit = {}) => app().request(`https://tollgate.example${path}`, init)

test('whoever is signed in by cookie is passed on as a user token, and no cookie is', async () => {
  const cookie = await signIn()
  const answer = await ask('/company/conversations/a/messages?x=1', {
    method: 'POST',
    headers: { cookie, origin: 'https://tollgate.example', 'content-type': 'application/json', 'x-other': 'no' },
    body: '{"text":"hello"}',
  })
  expect(answer.status).toBe(202)
  expect(await answer.json()).toEqual({ answer: 'done' })
  expect(answer.headers.get('set-cookie')).toBeNull()
  expect(answer.headers.get('x-inside')).toBeNull()
  expect(seen).toMatchObject({ method: 'POST', url: '/company/conversations/a/messages?x=1', body: '{"text":"hello"}' })
  expect(seen!.headers['cookie']).toBeUndefined()
  expect(seen!.headers['x-other']).toBeUndefined()
  const token = seen!.headers.authorization!.replace('Bearer ', '')
  expect(await stand.deps.tokens.verify(token)).toMatchObject({ ok: true, accountId: user.accountId })
})

test('a key goes on as it is', async () => {
  const answer = await ask('/company/employees', { headers: { authorization: `Bearer ${user.key}` } })
  expect(answer.status).toBe(202)
  expect(seen!.headers.authorization).toBe(`Bearer ${user.key}`)
})

test.each([
  ['nobody is passed on who is not signed in', {}, 401, 'unauthenticated'],
  ['nor a write from another origin', { origin: 'https://elsewhere.example' }, 403, 'origin_refused'],
] as const)('%s', async (_, headers, status, code) => {
  seen = undefined
  const cookie = status === 401 ? {} : { cookie: await signIn() }
  const answer = await ask('/company/employees', { method: 'POST', headers: { ...headers, ...cookie } })
  expect(answer.status).toBe(status)
  expect(await answer.json()).toMatchObject({ error: { code } })
  expect(seen).toBeUndefined()
})

test('a body that is too long is refused, a company that is away or not there is told of', async () => {
  const headers = { authorization: `Bearer ${user.key}` }
  const long = await ask('/company/employees', { method: 'POST', headers, body: 'x'.repeat(70_000) })
  expect([long.status, await long.json()]).toMatchObject([413, { error: { code: 'body_too_large' } }])
  const there = companyUrl
  try {
    companyUrl = 'http://127.0.0.1:1'
    const away = await ask('/company/employees', { headers })
    expect([away.status, await away.json()]).toMatchObject([503, { error: { code: 'company_unavailable' } }])
    expect(await (await ask('/company', { headers })).json()).toEqual({ isThere: true })
    companyUrl = null
    expect(await (await ask('/company', { headers })).json()).toEqual({ isThere: false })
    expect((await ask('/company')).status).toBe(401)
    const none = await ask('/company/employees', { headers })
    expect([none.status, await none.json()]).toMatchObject([404, { error: { code: 'not_found' } }])
  } finally {
    companyUrl = there
  }
})

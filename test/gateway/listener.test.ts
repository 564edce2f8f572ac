import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Hono } from 'hono'
import { expect, it } from 'vitest'
import { createListener } from '../../gateway/listener.ts'

it('a model call is answered without the app, everything else by it', async () => {
  const app = new Hono().all('*', (c) => c.text('app'))
  const listener = createListener(app, async (incoming, outgoing, requestId) => {
    outgoing.end(`${incoming.method} ${requestId}`)
  })
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const ask = async (method: string, path: string): Promise<string> =>
    (await fetch(`${url}${path}`, { method, headers: { 'x-request-id': 'told-by-caller' } })).text()

  expect(await ask('POST', '/v1/chat/completions')).toBe('POST told-by-caller')
  expect(await ask('GET', '/v1/chat/completions')).toBe('app')
  expect(await ask('POST', '/v1/chat/completions?debug=1')).toBe('app')
  expect(await ask('POST', '/v1/other')).toBe('app')
  server.closeAllConnections()
  server.close()
})

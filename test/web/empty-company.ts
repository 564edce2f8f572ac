import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A product's back end with whose employees nobody has talked yet. */
export async function openEmptyCompany(): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((request, response) => {
    if (request.url!.endsWith('/events')) return void response.writeHead(200, { 'content-type': 'text/event-stream' })
    return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ messages: [] }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

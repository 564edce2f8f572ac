import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Passes an answer on when it has all of it, as some proxies of offices do: a stream never comes through. */
export async function startBufferingProxy(target: string): Promise<{ readonly url: string; close(): void }> {
  const server = createServer((near, answer) => {
    const { method, url, headers } = near
    const far = request(`${target}${url}`, { method, headers }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () => {
        const { 'transfer-encoding': _, ...kept } = response.headers
        answer.writeHead(response.statusCode!, kept).end(Buffer.concat(parts))
      })
    })
    far.on('error', () => answer.destroy())
    answer.on('close', () => far.destroy())
    near.pipe(far)
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

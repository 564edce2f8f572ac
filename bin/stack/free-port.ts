import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below the ports that systems give to connections (Linux from 32768, others from 49152): one of those may be taken before it is listened on. */
const lasting = { from: 12_000, to: 32_000 } as const

/**
 * A port on the loopback interface that nobody listens on: the wanted one when it is free, otherwise another.
 * Listen on it soon, since nothing reserves it.
 */
export async function freePort(wanted = 0): Promise<number> {
  for (let port = wanted === 0 ? anyPort() : wanted; ; port = anyPort()) if (await isFree(port)) return port
}

function anyPort(): number {
  return randomInt(lasting.from, lasting.to)
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

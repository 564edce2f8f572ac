import { createServer } from 'node:net'

/**
 * A port on the loopback interface that nobody listens on: the wanted one when it is free, otherwise another.
 * Listen on it soon, since nothing reserves it.
 */
export async function freePort(wanted = 0): Promise<number> {
  try {
    return await probe(wanted)
  } catch {
    return await probe(0)
  }
}

function probe(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      const bound = typeof address === 'object' && address !== null ? address.port : port
      server.close(() => resolve(bound))
    })
  })
}

import { connect, type Socket } from 'node:net'
import { once } from 'node:events'

export interface LoadOptions {
  readonly port: number
  /** Whole HTTP/1.1 requests as bytes; connection `i` sends the `i`-th of them, modulo their number. */
  readonly requests: readonly Buffer[]
  readonly concurrency: number
  readonly durationMs: number
}

export interface Load {
  readonly calls: number
  readonly seconds: number
  /** ms of each call, ascending. */
  readonly latenciesMs: Float64Array
}

/**
 * A closed loop over raw sockets with keep-alive: each connection sends its next request when it has read the answer to the last.
 * An HTTP client would cost as much as the proxies that are measured. Rejects on any answer but 200.
 */
export async function load({ port, requests, concurrency, durationMs }: LoadOptions): Promise<Load> {
  const sockets = await Promise.all(Array.from({ length: concurrency }, () => open(port)))
  const latencies: number[] = []
  const startedAt = performance.now()
  const endAt = startedAt + durationMs
  try {
    await Promise.all(
      sockets.map((socket, index) =>
        loop(socket, requests[index % requests.length]!, endAt, (latency) => latencies.push(latency)),
      ),
    )
  } finally {
    for (const socket of sockets) socket.destroy()
  }
  return {
    calls: latencies.length,
    seconds: (performance.now() - startedAt) / 1_000,
    latenciesMs: Float64Array.from(latencies).sort(),
  }
}

export const median = (ascending: ArrayLike<number>): number =>
  ascending[Math.floor(ascending.length / 2)] ?? Number.NaN

export async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  return socket
}

function loop(socket: Socket, request: Buffer, endAt: number, took: (latencyMs: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let sentAt = 0
    let pending: Buffer | undefined
    const send = (): void => {
      sentAt = performance.now()
      socket.write(request)
    }
    socket.on('data', (chunk: Buffer) => {
      pending = pending === undefined ? chunk : Buffer.concat([pending, chunk])
      if (!isWhole(pending)) return
      if (!pending.subarray(0, 12).equals(ok))
        return reject(new Error(`not an answer to measure: ${pending.toString('utf8', 0, 600)}`))
      pending = undefined
      const now = performance.now()
      took(now - sentAt)
      if (now < endAt) send()
      else resolve()
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the connection was closed in the middle of a measurement')))
    send()
  })
}

const ok = Buffer.from('HTTP/1.1 200')

/** One answer at a time is on its way, so its end is the end of what came. */
function isWhole(bytes: Buffer): boolean {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd < 0) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(bytes.toString('latin1', 0, headEnd))?.[1]
  if (length === undefined) return bytes.subarray(-5).equals(lastChunk)
  return bytes.length >= headEnd + 4 + Number(length)
}

const lastChunk = Buffer.from('0\r\n\r\n')

import type { Socket } from 'node:net'
import { open } from './load.ts'

export interface StreamLoadOptions {
  readonly port: number
  /** Whole HTTP/1.1 requests as bytes, each for a stream. */
  readonly requests: readonly Buffer[]
  readonly streams: number
  readonly warmUpMs: number
  readonly durationMs: number
}

export interface StreamLoad {
  /** Chunks that arrived in the time that counts, all streams together. */
  readonly chunks: number
  readonly seconds: number
  /** ms from the upstream's sending to here, of every eighth stream, ascending. */
  readonly delaysMs: Float64Array
}

/** As many streams at a time; one that ends is begun again on its connection. */
export async function streamLoad({
  port,
  requests,
  streams,
  warmUpMs,
  durationMs,
}: StreamLoadOptions): Promise<StreamLoad> {
  const tally = { counting: false, chunks: 0, delays: [] as number[] }
  const failed = Promise.withResolvers<never>()
  const sockets: Socket[] = []
  try {
    for (let index = 0; index < streams; index += 1) {
      const socket = await open(port)
      sockets.push(socket)
      read(socket, requests[index % requests.length]!, index % 8 === 0, tally, failed.reject)
    }
    await Promise.race([pause(warmUpMs), failed.promise])
    tally.counting = true
    const startedAt = performance.now()
    await Promise.race([pause(durationMs), failed.promise])
    tally.counting = false
    const seconds = (performance.now() - startedAt) / 1_000
    return { chunks: tally.chunks, seconds, delaysMs: Float64Array.from(tally.delays).sort() }
  } finally {
    failed.promise.catch(() => undefined)
    for (const socket of sockets) socket.destroy()
  }
}

interface Tally {
  counting: boolean
  chunks: number
  delays: number[]
}

const word = '"content":" '
const end = Buffer.from('data: [DONE]')

function read(socket: Socket, request: Buffer, timed: boolean, tally: Tally, fail: (error: Error) => void): void {
  let head = true
  socket.on('data', (bytes: Buffer) => {
    if (head && !bytes.subarray(0, 12).equals(ok)) return fail(new Error(bytes.toString('utf8', 0, 600)))
    head = false
    if (tally.counting) {
      const now = Date.now()
      for (let at = bytes.indexOf(word); at >= 0; at = bytes.indexOf(word, at + word.length)) {
        tally.chunks += 1
        if (timed) tally.delays.push(now - Number(bytes.toString('latin1', at + word.length, at + word.length + 13)))
      }
    }
    if (bytes.indexOf('"error"') >= 0) return fail(new Error(bytes.toString('utf8', 0, 600)))
    if (bytes.indexOf(end) < 0) return
    // What is left of the answer is the frame that ends it: it comes with these bytes or just after them.
    head = false
    socket.write(request)
  })
  socket.once('error', fail)
  socket.write(request)
}

const ok = Buffer.from('HTTP/1.1 200')
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

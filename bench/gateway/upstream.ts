// A provider that costs next to nothing: raw sockets, answers made beforehand. It reads of a request only its length and whether it wants a stream.
import { createServer, type Socket } from 'node:net'
import { chunksPerSecond, chunksPerStream } from './pace.ts'

const tickMs = 5
const ticksPerChunk = 1_000 / chunksPerSecond / tickMs

const usage = { prompt_tokens: 61, completion_tokens: 42, total_tokens: 103 }
const head = { id: 'chatcmpl-bench', created: 1_760_000_000, model: 'gpt-4.1-mini' }
const content = 'The quick brown fox jumps over the lazy dog, and the gateway counts what it cost. '.repeat(2).trim()
const completion = JSON.stringify({
  ...head,
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content, refusal: null }, finish_reason: 'stop' }],
  usage,
})
const whole = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(completion)}\r\n\r\n${completion}`,
)

const framed = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`
const event = (choices: readonly object[], more: object = {}): string =>
  `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices, ...more })}\n\n`
const streamHead = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n'
const opening = Buffer.from(
  streamHead + framed(event([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }])),
)
const closing = Buffer.from(
  framed(event([{ index: 0, delta: {}, finish_reason: 'stop' }])) +
    framed(event([], { usage: { ...usage, completion_tokens: chunksPerStream } })) +
    framed('data: [DONE]\n\n') +
    '0\r\n\r\n',
)

interface Stream {
  readonly socket: Socket
  sent: number
}
/** Streams take turns: a quarter of them each tick. */
const turns: Set<Stream>[] = Array.from({ length: ticksPerChunk }, () => new Set())
let opened = 0
let ticks = 0
const startedAt = performance.now()

setInterval(() => {
  const due = Math.floor((performance.now() - startedAt) / tickMs)
  if (due === ticks) return
  // The word is the time of its sending, so that the reader can tell how late it is.
  const chunk = Buffer.from(framed(event([{ index: 0, delta: { content: ` ${Date.now()}` }, finish_reason: null }])))
  for (; ticks < due; ticks += 1) {
    const turn = turns[ticks % ticksPerChunk]!
    for (const stream of turn) {
      stream.socket.write(chunk)
      stream.sent += 1
      if (stream.sent < chunksPerStream) continue
      stream.socket.write(closing)
      turn.delete(stream)
    }
  }
}, tickMs)

const server = createServer({ noDelay: true }, (socket) => {
  let pending: Buffer | undefined
  let streaming: Stream | undefined
  let turn: Set<Stream> | undefined
  socket.on('data', (chunk: Buffer) => {
    pending = pending === undefined ? chunk : Buffer.concat([pending, chunk])
    const headEnd = pending.indexOf('\r\n\r\n')
    if (headEnd < 0) return
    const length = /\r\ncontent-length: *(\d+)/i.exec(pending.toString('latin1', 0, headEnd))?.[1]
    if (length === undefined ? !pending.subarray(-5).equals(lastChunk) : pending.length < headEnd + 4 + Number(length))
      return
    const wantsStream = pending.includes('"stream":true', headEnd)
    pending = undefined
    if (!wantsStream) return void socket.write(whole)
    turn = turns[opened % ticksPerChunk]!
    opened += 1
    streaming = { socket, sent: 0 }
    turn.add(streaming)
    socket.write(opening)
  })
  socket.on('error', () => socket.destroy())
  socket.on('close', () => streaming !== undefined && turn?.delete(streaming))
})
const lastChunk = Buffer.from('0\r\n\r\n')
server.listen(Number(process.env['PORT']), '127.0.0.1')

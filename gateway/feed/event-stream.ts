/** One server-sent event. `id` is where a client that reconnects wants to go on. */
export interface FeedEvent {
  readonly event: 'balance' | 'debit' | 'grant' | 'alert' | 'budget' | 'period' | 'session'
  readonly id: string
  readonly data: unknown
}

export interface EventStream {
  readonly body: ReadableStream<Uint8Array>
  /** Sends an event. A reader too slow for balances gets only the latest; one too slow for anything else is cut off, and resumes by id. */
  send(event: FeedEvent): void
  /** A comment line: proof of life. Cuts off a reader who has taken nothing for `stuckMs`. */
  beat(): void
  end(): void
}

/** What may wait for one reader beyond what the sockets hold. A page that is awake never gets near it. */
const bufferBytes = 64 * 1024
const stuckMs = 30_000

/** A bounded stream of server-sent events; `onEnd` runs exactly once, whoever ends it. */
export function createEventStream({ onEnd, now }: { onEnd: () => void; now: () => number }): EventStream {
  const encoder = new TextEncoder()
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  let waiting: FeedEvent | undefined
  let takenAtMs = now()

  const finish = (close: (open: ReadableStreamDefaultController<Uint8Array>) => void): void => {
    if (controller === undefined) return
    const open = controller
    controller = undefined
    waiting = undefined
    close(open)
    onEnd()
  }
  const write = (text: string): void => controller?.enqueue(encoder.encode(text))
  const full = (): boolean => (controller?.desiredSize ?? 0) <= 0
  const end = (): void => finish((open) => open.close())

  const body = new ReadableStream<Uint8Array>(
    {
      start(opened) {
        controller = opened
      },
      pull() {
        takenAtMs = now()
        if (waiting === undefined) return
        write(format(waiting))
        waiting = undefined
      },
      cancel: () => finish(() => {}),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: bufferBytes }),
  )

  return {
    body,
    send(event) {
      if (!full()) write(format(event))
      else if (event.event === 'balance') waiting = event
      else end()
    },
    beat() {
      if (!full()) write(': alive\n\n')
      else if (now() - takenAtMs > stuckMs) end()
    },
    end,
  }
}

function format({ event, id, data }: FeedEvent): string {
  // JSON has no raw line breaks, so one data line is enough.
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

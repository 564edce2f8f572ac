import { connect, type Socket } from 'node:net'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Redis } from 'ioredis'
import { type Ledger, type LedgerOptions, createLedger } from '../../ledger/ledger.ts'

/** A ledger that sends nothing: what its calls would have sent is taken from it as bytes. */
export interface Recorder {
  readonly ledger: Ledger
  readonly scripts: readonly string[]
  /** What was sent since it was last taken. */
  take(): Buffer
}

/** The project's own client before a connection that answers at once: the very same scripts, keys and arguments. */
export function createRecorder(options: LedgerOptions): Recorder {
  const scripts: string[] = []
  let sent: string[] = []
  const connection: Record<string, unknown> = {
    defineCommand(name: string, { lua }: { readonly lua: string }) {
      scripts.push(lua)
      const sha = createHash('sha1').update(lua).digest('hex')
      const answer = name.includes('reserve') ? ['created', 50_000, 1, '[]'] : ['settled', 31_000, 0, 1]
      connection[name] = (...args: readonly (string | number)[]) => {
        sent.push(encode(['EVALSHA', sha, ...args]))
        return Promise.resolve(answer)
      }
    },
  }
  return {
    ledger: createLedger(connection as unknown as Redis, options),
    scripts,
    take() {
      const bytes = Buffer.from(sent.join(''))
      sent = []
      return bytes
    },
  }
}

function encode(parts: readonly (string | number)[]): string {
  const texts = parts.map((part) => {
    const text = String(part)
    return `$${Buffer.byteLength(text)}\r\n${text}\r\n`
  })
  return `*${parts.length}\r\n${texts.join('')}`
}

/** A socket to Redis that sends what it is given as fast as Redis takes it, and of the replies only counts how many there are. */
export interface BareConnection {
  /** Resolves with the last of `replies` lists. Rejects on an error reply. */
  run(calls: Buffer, replies: number): Promise<void>
  close(): void
}

const asterisk = 0x2a
const minus = 0x2d

export async function openBareConnection(port: number): Promise<BareConnection> {
  const socket: Socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return {
    run: (calls, replies) =>
      new Promise((resolve, reject) => {
        let counted = 0
        const count = (chunk: Buffer): void => {
          // No reply of these calls holds an asterisk of its own.
          for (const byte of chunk) if (byte === asterisk) counted += 1
          if (chunk[0] === minus) reject(new Error(chunk.toString('latin1', 0, 200)))
          if (counted < replies) return
          socket.off('data', count)
          resolve()
        }
        socket.on('data', count)
        socket.write(calls)
      }),
    close: () => void socket.destroy(),
  }
}

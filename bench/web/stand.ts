import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Page } from 'playwright-core'
import type { Micro } from '../../credits/money.ts'
import { connectRedis } from '../../ledger/connect.ts'
import { createLedger } from '../../ledger/ledger.ts'
import { openDemoStack } from '../../test/web/demo-stack.ts'
import { catalogue } from '../../test/workflows/catalogue.ts'
import { spend } from '../../test/workflows/ledger-stand.ts'

export interface Stand {
  /** A browser profile of its own, in which the demo user is signed in, before its first page. */
  open(): Promise<Page>
  /** Charges the demo user from this process; the ledger's version that has it, and when that was known here, ms since 1970. */
  debit(amount: Micro): Promise<{ readonly version: number; readonly committedMs: number }>
  /** The same without looking. */
  charge(amount: Micro): Promise<void>
  /** Pages cannot reach the gateway until the answer is called. */
  cutOff(): () => void
  close(): Promise<void>
}

const accountId = 'demo'

/** The stack of `npm start` with its demo history, a real Chromium, and a wire between them that can be cut. */
export async function openStand(say: (line: string) => void): Promise<Stand> {
  say('building the web app and starting the stack')
  const stack = await openDemoStack()
  const wire = await openWire(Number(new URL(stack.gatewayUrl).port))
  const close = async (): Promise<void> => {
    wire.close()
    await stack.close()
  }
  try {
    const storageState = await stack.signIn(wire.url)
    const ledger = createLedger(await connectRedis(stack.redisUrl), {
      depletedBelow: catalogue.policies.depletedBelow,
      slackMs: 60_000,
    })
    return {
      async open() {
        const context = await stack.browser.newContext({ storageState, baseURL: wire.url })
        return context.newPage()
      },
      async debit(amount) {
        await spend(ledger, accountId, amount)
        const committedMs = performance.timeOrigin + performance.now()
        const reading = await ledger.read(accountId)
        if (reading.status !== 'loaded') throw new Error(`the demo account is ${reading.status}`)
        return { version: reading.version, committedMs }
      },
      charge: (amount) => spend(ledger, accountId, amount),
      cutOff: wire.cutOff,
      async close() {
        await ledger.close()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

interface Wire {
  readonly url: string
  readonly cutOff: () => () => void
  readonly close: () => void
}

/** Hands bytes on in both directions. */
async function openWire(target: number): Promise<Wire> {
  let isCut = false
  const open = new Set<Socket>()
  const server = createServer((near) => {
    if (isCut) return void near.destroy()
    const far = connect(target, '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cutOff() {
      isCut = true
      for (const socket of open) socket.destroy()
      return () => void (isCut = false)
    },
    close() {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}

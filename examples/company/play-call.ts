// `npm run call`: plays a voice call, or an employee's presence in a meeting, against the stack that `npm start` runs, and shows its meter tick.
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { type CallNow, callEnd, callLine } from './call-line.ts'
import { findStack } from './find-stack.ts'
import { answerIdOf } from './names.ts'

const usage = `npm run call -- [--employee ada] [--seconds 75] [--meeting https://meet.google.com/abc-defg-hij] [--ask]
  plays a voice call, or a meeting that the employee sits in, for so many seconds; Ctrl C ends it at once.
  With --ask the employee is asked for it by a message, and its workflow begins it\n`

const { employee, seconds, meeting, ask } = readOptions()
const { facts, headers, gateway, company } = findStack()
const heartbeatEveryMs = 5_000
const closing = new AbortController()

await company('POST', '/employees')
const started = await (ask ? asked() : begun()).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
})
process.stdout.write(
  `${meeting === undefined ? `a voice call with ${employee}` : `${employee} joins ${meeting}`} · ${started.rate / 1_000_000} credits a minute\n`,
)

let hungUp = false
process.once('SIGINT', () => hangUp())
setTimeout(hangUp, seconds * 1_000).unref()
void heartbeats()
const last = await followed()
closing.abort()
await accounted(last)

/** By the page, or here by this command, which is the one that hears and speaks. */
function begun(): Promise<CallNow> {
  const kind = meeting === undefined ? 'voice' : 'meeting'
  const where = meeting === undefined ? {} : { meetingUrl: meeting }
  const call = { kind, employee, adapter: 'browser', ...where }
  return gateway('POST', '/sessions', call, { 'idempotency-key': randomUUID() })
}

/** By the employee: its answer's workflow awaits the call. */
async function asked(): Promise<CallNow> {
  const conversation = `call-${randomUUID().slice(0, 8)}`
  const id = randomUUID()
  const text = meeting === undefined ? 'Please call me.' : `Please sit in ${meeting}`
  await company('POST', `/conversations/${conversation}/messages`, { id, employee, text })
  const answer = answerIdOf(conversation, id)
  for (let look = 0; look < 120; look += 1) {
    const { items } = await gateway<Sessions>('GET', '/sessions?state=open')
    const call = items.find(({ messageId }) => messageId === answer)
    if (call !== undefined) return call
    await pause(250)
  }
  throw new Error(`${employee} began no call: ask it in the chat why`)
}

interface Sessions {
  readonly items: readonly (CallNow & { readonly messageId: string })[]
}

function hangUp(): void {
  if (hungUp) return
  hungUp = true
  void gateway('POST', `/sessions/${started.id}/end`).catch(complain)
}

async function heartbeats(): Promise<void> {
  while (!closing.signal.aborted) {
    await gateway('POST', `/sessions/${started.id}/heartbeat`).catch(complain)
    await pause(heartbeatEveryMs, undefined, { signal: closing.signal }).catch(() => undefined)
  }
}

/** Prints what the feed tells of the call until it has ended. Nothing here computes a charge. */
async function followed(): Promise<CallNow> {
  const answer = await fetch(`${facts.gatewayUrl}/credits/v1/feed`, { headers, signal: closing.signal })
  if (!answer.ok || answer.body === null) throw new Error(`the feed answered ${answer.status}`)
  const parsed = answer.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
  let now = started
  for await (const { event, data } of parsed) {
    if (event !== 'session') continue
    const told = JSON.parse(data) as CallNow
    if (told.id !== started.id) continue
    now = told
    process.stdout.write(process.stdout.isTTY ? `\r\u001B[2K${callLine(now)}` : `${callLine(now)}\n`)
    if (now.state === 'ended') break
  }
  if (process.stdout.isTTY) process.stdout.write('\n')
  return now
}

/** The minutes that it was charged, each a receipt, and whether they come to what the call says. */
async function accounted({ id }: CallNow): Promise<void> {
  const call = await gateway<CallNow & { readonly entryIds: readonly string[] }>('GET', `/sessions/${id}`)
  const minutes = await Promise.all(call.entryIds.map(receipt))
  process.stdout.write(`${callEnd(call, minutes)}\n`)
  if (minutes.reduce((total, { charged }) => total + charged, 0) !== call.credits) process.exitCode = 1
}

/** The last one may still be on its way to the ledger. */
async function receipt(id: string): Promise<{ readonly charged: number; readonly quantity: number }> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await gateway('GET', `/receipts/${id}`)
    } catch (error) {
      if (attempt === 20) throw error
      await pause(500)
    }
  }
}

function complain(error: unknown): void {
  if (!closing.signal.aborted) process.stderr.write(`\n${error instanceof Error ? error.message : String(error)}\n`)
}

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        employee: { type: 'string', default: 'ada' },
        seconds: { type: 'string', default: '75' },
        meeting: { type: 'string' },
        ask: { type: 'boolean', default: false },
      },
    })
    const whole = Number(values.seconds)
    if (!Number.isSafeInteger(whole) || whole < 1) throw new Error(`not a number of seconds: ${values.seconds}`)
    return { employee: values.employee, seconds: whole, meeting: values.meeting, ask: values.ask }
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
    process.exit(2)
  }
}

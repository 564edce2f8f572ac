// `npm run company`: sends the company that `npm start` runs real work, and prints every charge of it as a statement.
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import type { CompanyEvent } from './company-event.ts'
import { findStack } from './find-stack.ts'
import { answerIdOf } from './names.ts'
import { type Balance, type Charge, statement, sumOf } from './statement.ts'

const { facts, headers, company, gateway } = findStack()
const conversation = `day-${randomUUID().slice(0, 8)}`

const before = await balance()
await company('POST', '/employees')
await answered('ada', 'Good morning! What should we do first today, in about 40 words?')
await answered('ada', 'Please research how coffee is grown.')
await answered('clara', 'Draw a lighthouse at night.')
await answered('bruno', 'What is in my calendar today?')
await answered('bruno', 'Write a mail to the team: the meeting is moved to Tuesday.')
await reported()
const { charges, after } = await settled()
process.stdout.write(`\n${statement(charges, { before, after })}\n`)
if (after.used - before.used !== sumOf(charges)) process.exitCode = 1

/** Sends a message, and tells how its answer goes until it has ended. A person approves everything. */
async function answered(employee: string, text: string): Promise<void> {
  const id = randomUUID()
  const answer = answerIdOf(conversation, id)
  process.stdout.write(`\n${employee} ‹ ${text}\n`)
  await company('POST', `/conversations/${conversation}/messages`, { id, employee, text })
  let words = ''
  for await (const event of events()) {
    if (!('answer' in event) || event.answer !== answer) continue
    switch (event.kind) {
      case 'begun':
        words = ''
        break
      case 'chunk':
        words += event.text
        break
      case 'image':
        say('a picture was drawn')
        break
      case 'app_called':
        say(event.summary)
        break
      case 'approval_asked':
        say('the employee asks for approval, and gets it')
        await company('POST', `/conversations/${conversation}/messages/${id}/approval`, { approved: true })
        break
      case 'interrupted':
        say('interrupted; it goes on by itself, after a grant if credits have run out')
        break
      case 'ended':
        process.stdout.write(`${employee} › ${words.length > 160 ? `${words.slice(0, 160)} …` : words}\n`)
        if (event.state !== 'done') say(`this answer ${event.state}`)
        return
      case 'asked':
    }
  }
}

async function reported(): Promise<void> {
  process.stdout.write('\nthe daily report, now\n')
  await company('PUT', '/report')
  const { runs: earlier } = await reports()
  await company('POST', '/report/runs')
  for (;;) {
    const latest = (await reports()).runs[0]
    if (latest !== undefined && latest.at !== earlier[0]?.at && latest.result !== 'running') return say(latest.result)
    await pause(500)
  }
}

/** Memory is brought up to date after an answer, and runtime is receipted once nothing has run for some seconds: complete is what adds up, and stays so. */
async function settled(): Promise<{ readonly charges: readonly Charge[]; readonly after: Balance }> {
  process.stdout.write('\nwaiting for the last receipts\n')
  const patienceMs = 90_000
  const quietMs = 8_000
  const startedMs = Date.now()
  let sinceMs = startedMs
  let usedThen = -1
  for (;;) {
    const after = await balance()
    const { used, held } = after
    const charges = await chargesSince(before.serverTime)
    const complete = held === 0 && used - before.used === sumOf(charges)
    if (!complete || used !== usedThen) sinceMs = Date.now()
    usedThen = used
    const nowMs = Date.now()
    if (nowMs - sinceMs > quietMs || nowMs - startedMs > patienceMs) return { charges, after }
    await pause(500)
  }
}

/** From the beginning of the conversation. */
async function* events(): AsyncGenerator<CompanyEvent> {
  const answer = await fetch(`${facts.companyUrl}/company/conversations/${conversation}/events`, { headers })
  if (!answer.ok || answer.body === null) throw new Error(`the company answered ${answer.status}`)
  const parsed = answer.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream())
  for await (const { data } of parsed) yield JSON.parse(data) as CompanyEvent
}

interface Reports {
  readonly runs: readonly { readonly at: string; readonly result: string }[]
}

function reports() {
  return company<Reports>('GET', '/report')
}

async function chargesSince(from: string): Promise<readonly Charge[]> {
  const all: Charge[] = []
  let cursor = ''
  do {
    const query = new URLSearchParams({ from, limit: '200', ...(cursor === '' ? {} : { cursor }) })
    const page = await gateway<{ items: Charge[]; next: string | null }>('GET', `/activity?${query.toString()}`)
    all.push(...page.items)
    cursor = page.next ?? ''
  } while (cursor !== '')
  return all
}

function balance() {
  return gateway<Balance & { readonly held: number; readonly serverTime: string }>('GET', '/balance')
}

function say(line: string): void {
  process.stdout.write(`  · ${line}\n`)
}

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { partPath } from '../../bin/parts.ts'
import { openStand, type Stand } from './stand.ts'

let stand: Stand
beforeAll(async () => {
  stand = await openStand()
})
afterAll(() => stand.close())

it("OpenAI's own client for Python works untouched, and raises where credits end", async () => {
  const account = await stand.account({ credits: 1_000 })
  const empty = await stand.account({ credits: 0 })
  const small = await stand.account({ credits: 3 })
  const script = fileURLToPath(new URL('./python-client.py', import.meta.url))
  const { stdout } = await promisify(execFile)(partPath('PYTHON_OPENAI'), [
    script,
    `${stand.url}/v1`,
    account.secret,
    empty.secret,
    small.secret,
  ])
  const found = JSON.parse(stdout) as Record<string, unknown>
  expect(found).toMatchObject({
    whole: { words: 12, tollgate: { tier: 'fast', model: 'mock/plain', estimated: false } },
    streamed: { words: 12, tokens: 12 },
    helper: 12,
    tool: { name: 'get_weather', arguments: ['city'] },
    depleted: { status: 402, code: 'credits_depleted', message: expect.stringContaining('credits_depleted') as string },
    cut: { code: 'credits_depleted', some_text: true },
  })
  expect(found['models']).toEqual(expect.arrayContaining(['fast', 'standard', 'advanced']))
  // One request each: the client must not try again what waiting cannot cure.
  expect(stand.observed.filter(({ outcome }) => outcome === 'credits_depleted')).toHaveLength(1)
})

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

it('the stock Python client works untouched, and raises where a call is refused or cut', async () => {
  const rich = await stand.account({ credits: 1_000 })
  const poor = await stand.account({ credits: 1 })
  const script = fileURLToPath(new URL('python_client.py', import.meta.url))
  const { stdout } = await promisify(execFile)(partPath('PYTHON_OPENAI'), [
    script,
    `${stand.url}/v1`,
    rich.secret,
    poor.secret,
  ])
  const seen = JSON.parse(stdout) as Record<string, unknown>
  expect(seen).toMatchObject({
    whole: { text: expect.stringContaining(' aa bb'), tollgate: { model: 'mock/plain', microCredits: 21_700 } },
    stream: { text: expect.stringContaining(' aa bb'), tollgate: { microCredits: 21_700 } },
    events: expect.arrayContaining(['chunk', 'content.delta', 'content.done']),
    helper: 20,
    tool: { name: 'get_weather', arguments: { city: 'practice' } },
    models: expect.arrayContaining(['fast', 'employee', 'mock/plain']),
    cut: {
      code: 'credits_depleted',
      message: expect.stringContaining('credits_depleted'),
      read: true,
      tollgate: 'mock/plain',
    },
    refused: { status: 402, code: 'credits_depleted' },
  })
  expect(stand.observed.filter(({ outcome }) => outcome === 'credits_depleted')).toHaveLength(1)
})

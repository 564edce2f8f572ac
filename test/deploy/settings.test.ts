import { expect, test } from 'vitest'
import { sessionAdapters } from '../../bin/session-adapters.ts'
import { readSettings } from '../../bin/settings.ts'
import { webhookSecrets } from '../../bin/webhook-secrets.ts'

const secret = `whsec_${Buffer.alloc(24, 'a').toString('base64')}`
const livekit = { LIVEKIT_URL: 'wss://calls.example', LIVEKIT_API_KEY: 'key', LIVEKIT_API_SECRET: 'secret' }
const bots = { MEETING_BOT_URL: 'https://bots.example/api/v1/bot/', MEETING_BOT_KEY: 'key' }
const company = { SESSION_WEBHOOK_URL: 'https://company.example/events', SESSION_WEBHOOK_SECRET: secret }

test.each([
  [{}, ['browser'], []],
  [livekit, ['browser', 'livekit'], ['livekit']],
  [bots, ['browser', 'meeting_bot'], []],
  [
    { ...livekit, ...bots, ...company, MEETING_BOT_WEBHOOK_SECRET: secret },
    ['browser', 'livekit', 'meeting_bot', 'webhook'],
    ['livekit', 'meetingBot', 'company'],
  ],
])('%o: sessions run on %j, and events are taken from %j', (environment, adapters, senders) => {
  const settings = readSettings(environment)
  expect(Object.keys(sessionAdapters(settings))).toEqual(adapters)
  const secrets = Object.entries(webhookSecrets(settings)).filter(([, signedBy]) => signedBy !== null)
  expect(secrets.map(([sender]) => sender)).toEqual(senders)
})

test.each([
  [{ LIVEKIT_URL: 'wss://calls.example' }, 'LIVEKIT_API_KEY: must be set where LIVEKIT_URL is'],
  [{ LIVEKIT_API_SECRET: 'secret' }, 'LIVEKIT_URL: must be set where LIVEKIT_API_SECRET is'],
  [{ ...livekit, LIVEKIT_URL: 'calls.example' }, 'LIVEKIT_URL'],
  [{ MEETING_BOT_KEY: 'key' }, 'MEETING_BOT_URL: must be set where MEETING_BOT_KEY is'],
  [
    { SESSION_WEBHOOK_URL: 'https://company.example' },
    'SESSION_WEBHOOK_SECRET: must be set where SESSION_WEBHOOK_URL is',
  ],
  [
    { ...company, SESSION_WEBHOOK_SECRET: 'whsec_c2hvcnQ=' },
    'SESSION_WEBHOOK_SECRET: must be `whsec_` and at least 24',
  ],
  [{ MEETING_BOT_WEBHOOK_SECRET: `${secret}!` }, 'MEETING_BOT_WEBHOOK_SECRET: must be'],
])('%o is refused: %s', (environment, why) => {
  expect(() => readSettings(environment)).toThrow(why)
})

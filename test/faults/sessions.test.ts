import { afterAll, beforeAll, expect, test } from 'vitest'
import { billedTime } from './sessions/billed-time.ts'
import { type MediaServer, openMediaServer } from './sessions/media-server.ts'
import { processes } from './sessions/session-kills.ts'
import { openStand, type Stand } from './stand.ts'

let media: MediaServer
let stand: Stand
let failed = true

beforeAll(async () => {
  media = await openMediaServer()
  stand = await openStand({ holdSeconds: 6, accounts: 10, settings: media.settings })
}, 300_000)

afterAll(async () => {
  await stand?.close({ keepFolders: failed })
  await media.close()
}, 60_000)

test('calls are billed for the time that they last, whatever is killed meanwhile, and no minute of them twice', async () => {
  const { fault, kills } = await billedTime(stand, media, {
    name: 'sessions',
    seed: 7,
    calls: 20,
    spreadMs: 4_000,
    longestMs: 64_000,
    killEveryMs: 7_000,
    among: processes,
    restWithinMs: 240_000,
  })
  expect(fault).toBe('')
  // Nobody would notice kills that hit nothing
  expect(Object.values(kills).filter((count) => count > 0).length).toBeGreaterThan(3)
  failed = false
}, 500_000)

import { expect, it } from 'vitest'
import { outboxPlace } from '../../bin/open-process-outbox.ts'
import { readSettings } from '../../bin/settings.ts'
import { replayTimes } from '../../middleware/outbox/outbox.ts'

/** What OUTBOX_REPLAY_SECONDS comes to: when the journal is asked, and when a charge that it has not got is sent again, s after it was noted. */
function timesWith(OUTBOX_REPLAY_SECONDS: string) {
  const { replayAfterMs } = outboxPlace(readSettings({ OUTBOX_REPLAY_SECONDS }))
  const times = replayTimes(replayAfterMs)
  let atMs = 0
  const askedAtSeconds = times.askAfterMs.map((waitMs) => (atMs += waitMs) / 1_000)
  return {
    askedAtSeconds,
    sentAgainAfter: times.replayAfterMs / 1_000,
    atLeastEvery: times.replayAtLeastEveryMs / 1_000,
  }
}

it('unless set, the journal is asked after 3, 10, 30, 60 and 120 s, and the ledger sent to again after 30 s, then every minute', () => {
  expect(timesWith('')).toEqual({ askedAtSeconds: [3, 10, 30, 60, 120], sentAgainAfter: 30, atLeastEvery: 60 })
})

it('all of these follow the setting', () => {
  expect(timesWith('6')).toEqual({ askedAtSeconds: [0.6, 2, 6, 12, 24], sentAgainAfter: 6, atLeastEvery: 12 })
})

it.each(['0', '1.5', '601', 'soon'])('a time of %s is refused', (seconds) => {
  expect(() => timesWith(seconds)).toThrow(/OUTBOX_REPLAY_SECONDS/)
})

// Workflows of a customer whose employees call and attend meetings.
import { condition, defineSignal, setHandler } from '@temporalio/workflow'
import type { SessionResult } from '../../credits/session/messages.ts'
import { inNameOf } from '../../middleware/temporal/workflow/in-name-of.ts'
import { attendMeeting, type CallOptions, startVoiceCall } from '../../middleware/temporal/workflow/sessions.ts'

export const again = defineSignal('again')

export function calls(options: CallOptions): Promise<SessionResult> {
  return startVoiceCall(options)
}

/** Until one ends for another reason than credits: tries again whenever it is told to. */
export async function keepsCalling(ids: readonly string[], options: CallOptions): Promise<readonly SessionResult[]> {
  let told = 0
  setHandler(again, () => void (told += 1))
  const results: SessionResult[] = []
  for (const [turn, id] of ids.entries()) {
    results.push(await startVoiceCall({ ...options, id }))
    if (turn < ids.length - 1) await condition(() => told > turn)
  }
  return results
}

export function attendsForBo(meetingUrl: string, options: CallOptions): Promise<SessionResult> {
  return inNameOf({ employee: 'bo', organization: 'lab' }, () => attendMeeting(meetingUrl, options))
}

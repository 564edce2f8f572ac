/** Where a bot is: on its way or at the door, in the meeting, or out of it for good. */
export type BotWhereabouts = 'coming' | 'inside' | 'gone' | 'unknown'

/** The words of the services for a bot's states; each adds some from time to time. */
const words: Readonly<Record<Exclude<BotWhereabouts, 'unknown'>, RegExp>> = {
  gone: /^(call_ended|done|fatal|recording_done|ended|failed|fatal_error|completed|leaving|post_processing|analysis_\w+|media_expired|data_deleted|admission_denied)$/,
  inside:
    /^(in_call\w*|recording_permission_\w+|joined\w*|active|in_meeting|recording|recording_paused|recording_resumed)$/,
  coming: /^(ready|scheduled|queued|staged|joining\w*|\w*waiting_room|waiting_for_admission|awaiting_admission)$/,
}

/** Where a bot is by all the states that it was in, oldest first. Once out it does not come back, and a state that nobody knows changes nothing. */
export function whereaboutsOf(states: readonly string[]): BotWhereabouts {
  if (states.some((state) => words.gone.test(state))) return 'gone'
  if (states.some((state) => words.inside.test(state))) return 'inside'
  return states.some((state) => words.coming.test(state)) ? 'coming' : 'unknown'
}

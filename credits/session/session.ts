/** What a session is: a call that somebody has with an employee, or one that the employee attends. Each is an activity of the catalogue. */
export const sessionKinds = ['voice', 'meeting'] as const
export type SessionKind = (typeof sessionKinds)[number]

/** What a session runs on: a page of the web app, a room, a bot in a meeting, or a system of the customer's. */
export const adapterNames = ['browser', 'livekit', 'meeting_bot', 'webhook'] as const
export type AdapterName = (typeof adapterNames)[number]

/** It is `starting` until its adapter has begun. What is refused never was a session. */
export const sessionStates = ['starting', 'live', 'ended'] as const
export type SessionState = (typeof sessionStates)[number]

/** Why a session is over: the user ended it, credits ran out, a budget was reached, signs of life stopped, the longest time was reached, everybody left. */
export const endReasons = ['requested', 'credits', 'budget', 'connection_lost', 'longest', 'left'] as const
export type EndReason = (typeof endReasons)[number]

export const platforms = ['meet', 'zoom', 'teams'] as const
export type Platform = (typeof platforms)[number]

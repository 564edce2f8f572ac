import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow'

/** What a person or an employee has said. */
export interface Message {
  readonly id: string
  readonly from: 'person' | 'employee'
  readonly employee: string
  readonly text: string
  /** ISO 8601, when it was asked for. */
  readonly at: string
  readonly state: 'said' | 'waiting' | 'working' | Ended['state']
  readonly image?: true
}

/** How an answer came to its end. A stopped one keeps what was streamed. */
export interface Ended {
  readonly answer: string
  readonly state: 'done' | 'stopped' | 'failed'
  readonly text: string
  readonly image?: true
}

export interface Question {
  readonly id: string
  readonly employee: string
  readonly text: string
}

export interface ConversationView {
  readonly messages: readonly Message[]
}

/** A person's message. Answers with the employee's; the same id again changes nothing. */
export const ask = defineUpdate<Message, [Question]>('ask')
/** Ends the answer that is under way; null when there is none. */
export const stop = defineUpdate<Message | null>('stop')
export const look = defineQuery<ConversationView>('look')

/** From an answer to its conversation. */
export const ended = defineSignal<[Ended]>('ended')
/** What the employee wants to know the next time. */
export const remembered = defineSignal<[string]>('remembered')

/** A person's word to an answer that waits for it. */
export const decide = defineSignal<[boolean]>('decide')

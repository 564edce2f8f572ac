/** What the company tells of a conversation (examples/company/company-event.ts), and what it comes to on the page. */
export type ChatEvent =
  | { readonly kind: 'asked'; readonly message: string; readonly text: string; readonly answer: string }
  | { readonly kind: 'begun' | 'image' | 'interrupted'; readonly answer: string }
  | { readonly kind: 'chunk'; readonly answer: string; readonly text: string }
  | { readonly kind: 'app_called'; readonly answer: string; readonly app: string; readonly summary: string }
  | { readonly kind: 'approval_asked'; readonly answer: string; readonly what: string }
  | { readonly kind: 'ended'; readonly answer: string; readonly state: 'done' | 'stopped' | 'failed' }

export interface ChatMessage {
  readonly id: string
  readonly from: 'person' | 'employee'
  readonly text: string
  readonly state: 'said' | 'waiting' | 'working' | 'done' | 'stopped' | 'failed'
  readonly image?: true
  /** What a person is asked to allow. */
  readonly approval?: string
  /** It broke off, and begins again by itself once it can. */
  readonly isInterrupted?: true
  /** It is parked, and goes on by itself; told when the conversation is loaded. */
  readonly waitsFor?: 'credits' | 'budget' | 'ledger'
  /** What it needs to go on, µcr; 0 where that is not what it waits for. */
  readonly need?: number
  /** What was done in connected apps. */
  readonly calls?: readonly string[]
}

export const isWorking = ({ state }: ChatMessage): boolean => state === 'waiting' || state === 'working'

/** The conversation after one more event. Events may come again, and for messages that are not there yet. */
export function afterEvent(messages: readonly ChatMessage[], event: ChatEvent): readonly ChatMessage[] {
  if (event.kind === 'asked') {
    const said: ChatMessage = { id: event.message, from: 'person', text: event.text, state: 'said' }
    const answer: ChatMessage = { id: event.answer, from: 'employee', text: '', state: 'waiting' }
    return [said, answer].reduce((all, one) => (all.some(({ id }) => id === one.id) ? all : [...all, one]), messages)
  }
  return messages.map((message) => (message.id === event.answer ? changed(message, event) : message))
}

/** The same messages, each with what it waits for by a later look. */
export function withWaiting(messages: readonly ChatMessage[], now: readonly ChatMessage[]): readonly ChatMessage[] {
  return messages.map((message) => {
    if (!isWorking(message)) return message
    const { waitsFor: _, need: __, ...plain } = message
    const { waitsFor, need = 0 } = now.find(({ id }) => id === message.id) ?? {}
    return waitsFor === undefined ? plain : { ...plain, waitsFor, need }
  })
}

function changed(message: ChatMessage, event: Exclude<ChatEvent, { kind: 'asked' }>): ChatMessage {
  const { isInterrupted: _, approval: __, waitsFor: ___, need: ____, ...plain } = message
  switch (event.kind) {
    case 'begun':
      return { ...plain, text: '', state: 'working' }
    case 'chunk':
      return { ...plain, text: plain.text + event.text, state: 'working' }
    case 'image':
      return { ...message, image: true }
    case 'app_called':
      return { ...plain, calls: [...(plain.calls ?? []), `${event.app}: ${event.summary}`] }
    case 'approval_asked':
      return { ...message, approval: event.what, state: 'working' }
    case 'interrupted':
      return { ...message, isInterrupted: true }
    case 'ended':
      return { ...plain, state: event.state }
  }
}

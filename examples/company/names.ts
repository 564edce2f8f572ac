// Names that several sides must spell alike. Nothing here but text: workflows import it too.

export const taskQueue = 'company'

/** Ids of conversations and messages, as clients make them up. */
export const idPattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$/

/** The answer to a person's message: the id under which all its work is charged. */
export function answerIdOf(conversation: string, messageId: string): string {
  return `${conversation}.${messageId}`
}

export function conversationWorkflowId(account: string, conversation: string): string {
  return `company/${account}/${conversation}`
}

export function answerWorkflowId(account: string, answerId: string): string {
  return `company/${account}/${answerId}`
}

export function reportScheduleId(account: string): string {
  return `company-report/${account}`
}

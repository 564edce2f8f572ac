/** What is told while a conversation goes on. `answer` is the id of the employee's message. */
export type CompanyEvent =
  | { readonly kind: 'asked'; readonly message: string; readonly text: string; readonly answer: string }
  /** Text follows, from its beginning: what was shown of this answer before is void, since its activity runs once more. */
  | { readonly kind: 'begun'; readonly answer: string }
  | { readonly kind: 'chunk'; readonly answer: string; readonly text: string }
  | { readonly kind: 'image'; readonly answer: string }
  | { readonly kind: 'app_called'; readonly answer: string; readonly app: string; readonly summary: string }
  | { readonly kind: 'approval_asked'; readonly answer: string; readonly what: string }
  /** The stream broke off, for want of credits or for another reason. It begins again by itself. */
  | { readonly kind: 'interrupted'; readonly answer: string }
  | { readonly kind: 'ended'; readonly answer: string; readonly state: 'done' | 'stopped' | 'failed' }

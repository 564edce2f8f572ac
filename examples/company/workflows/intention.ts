export type Intention = 'call' | 'attend' | 'image' | 'research' | 'mail' | 'calendar' | 'talk'

/**
 * What a message asks for, by simple words. A real company lets the model choose, by tools; then a demonstration without a model's key could show nothing.
 */
export function intentionOf(text: string): Intention {
  if (/\bcall me\b/i.test(text)) return 'call'
  if (addressIn(text) !== undefined) return 'attend'
  if (/\b(draw|paint|picture|image)\b/i.test(text)) return 'image'
  if (/\bresearch\b/i.test(text)) return 'research'
  if (/\be?-?mail\b/i.test(text)) return 'mail'
  if (/\b(calendar|appointment|meeting)\b/i.test(text)) return 'calendar'
  return 'talk'
}

/** Of a meeting, or of anything else that was sent. */
export function addressIn(text: string): string | undefined {
  return /https:\/\/[^\s<>"]+/.exec(text)?.[0]
}

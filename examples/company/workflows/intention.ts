export type Intention = 'image' | 'research' | 'mail' | 'calendar' | 'talk'

/**
 * What a message asks for, by simple words. A real company lets the model choose, by tools; then a demonstration without a model's key could show nothing.
 */
export function intentionOf(text: string): Intention {
  if (/\b(draw|paint|picture|image)\b/i.test(text)) return 'image'
  if (/\bresearch\b/i.test(text)) return 'research'
  if (/\be?-?mail\b/i.test(text)) return 'mail'
  if (/\b(calendar|appointment|meeting)\b/i.test(text)) return 'calendar'
  return 'talk'
}

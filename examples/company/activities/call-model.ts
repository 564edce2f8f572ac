import { internal } from '../../../package/temporal.ts'
import type { Deps } from './deps.ts'

export interface Prompt {
  readonly prompt: string
  /** Instead of the tier that the employee is set to. */
  readonly tier?: 'fast' | 'standard' | 'advanced'
  /** Behind-the-scenes AI, and what for. */
  readonly internal?: 'safety' | 'memory'
}

/** A model's whole answer. */
export function callModel({ openai }: Pick<Deps, 'openai'>) {
  return async ({ prompt, tier, internal: purpose }: Prompt): Promise<string> => {
    const ask = () =>
      openai.chat.completions.create({
        model: tier ?? 'employee',
        messages: [{ role: 'user', content: prompt }],
      })
    const { choices } = await (purpose === undefined ? ask() : internal(purpose, ask))
    return choices[0]?.message.content ?? ''
  }
}

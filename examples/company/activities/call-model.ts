import { internal } from '../../../package/temporal.ts'
import type { Deps } from './deps.ts'

export interface Prompt {
  readonly prompt: string
  /** Instead of the tier that the employee is set to. */
  readonly tier?: 'fast' | 'standard' | 'advanced'
  /** Whose tier it is and whom it is booked to, instead of the employee that the work is for. */
  readonly employee?: string
  /** Behind-the-scenes AI, and what for. */
  readonly internal?: 'safety' | 'memory'
}

/** A model's whole answer. */
export function callModel({ openai }: Pick<Deps, 'openai'>) {
  return async ({ prompt, tier, employee, internal: purpose }: Prompt): Promise<string> => {
    const ask = () =>
      openai.chat.completions.create(
        { model: tier ?? 'employee', messages: [{ role: 'user', content: prompt }] },
        employee === undefined ? {} : { headers: { 'x-tollgate-employee': employee } },
      )
    const { choices } = await (purpose === undefined ? ask() : internal(purpose, ask))
    return choices[0]?.message.content ?? ''
  }
}

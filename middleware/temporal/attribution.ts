import { AsyncLocalStorage } from 'node:async_hooks'
import { type Attribution, malformedId } from './workflow/carried.ts'

export type { Attribution } from './workflow/carried.ts'

/** As a caller says it: what is left out applies to nobody in particular. */
export interface WorkFor {
  readonly account: string
  readonly organization?: string
  readonly employee?: string
  readonly message?: string
}

const current = new AsyncLocalStorage<Attribution>()

/**
 * Runs `work`; the workflows and schedules that it starts through a client with the plugin are billed to this account. Throws TypeError for an id that is not
 * 1–128 letters, digits and `. _ : @ -`.
 */
export function withAttribution<T>(who: WorkFor, work: () => T): T {
  return current.run(attributionFrom(who), work)
}

/** The innermost `withAttribution`, or the activity that is running. */
export function currentAttribution(): Attribution | undefined {
  return current.getStore()
}

/** Throws TypeError for an id that cannot be one. */
export function attributionFrom({ account, organization = '', employee = '', message = '' }: WorkFor): Attribution {
  const who = { account, organization, employee, message }
  const broken = malformedId(who)
  if (broken !== undefined) {
    throw new TypeError(`${broken} has 1–128 characters, letters, digits and . _ : @ -, not '${who[broken]}'`)
  }
  return who
}

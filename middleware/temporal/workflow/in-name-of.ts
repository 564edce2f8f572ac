import { ApplicationFailure, CancellationScope } from '@temporalio/workflow'
import { type Attribution, malformedId } from './carried.ts'

/** For whom a part of a workflow works. What is left out stays as it is; the account is always the run's. */
export type InNameOf = Partial<Omit<Attribution, 'account'>>

/** Scopes are what the SDK carries along asynchronous work: another store of that kind would slow down every promise. */
const names = new WeakMap<CancellationScope, InNameOf>()

/**
 * Runs `work`; the activities, children and completed tasks in it are booked to this employee, organization and chat message. So one workflow can answer many
 * messages, each with its own cost. Throws ApplicationFailure `AttributionRefused` for an id that is not 1–128 letters, digits and `. _ : @ -`.
 */
export async function inNameOf<T>(who: InNameOf, work: () => Promise<T>): Promise<T> {
  const named = { ...nameInScope(), ...namesIn(who) }
  const kind = malformedId({ account: 'any', organization: '', employee: '', message: '', ...named })
  if (kind !== undefined) {
    throw ApplicationFailure.nonRetryable(
      `the ${kind} cannot be called '${named[kind as keyof InNameOf]}'`,
      'AttributionRefused',
    )
  }
  const scope = new CancellationScope()
  names.set(scope, named)
  return scope.run(work)
}

/** Only these: callers may hand in more, an account above all. */
function namesIn({ employee, organization, message }: InNameOf): InNameOf {
  return {
    ...(employee === undefined ? {} : { employee }),
    ...(organization === undefined ? {} : { organization }),
    ...(message === undefined ? {} : { message }),
  }
}

/** What the scopes around say; nothing outside of any. */
export function nameInScope(): InNameOf {
  for (
    let scope: CancellationScope | undefined = CancellationScope.current();
    scope !== undefined;
    scope = scope.parent
  ) {
    const named = names.get(scope)
    if (named !== undefined) return named
  }
  return {}
}

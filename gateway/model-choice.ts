import { LRUCache } from 'lru-cache'
import { type Resolved, resolveModel } from '../credits/resolve-model.ts'
import type { EmployeeCard } from '../credits/terms.ts'
import type { GatewayDeps } from './deps.ts'
import type { CallError } from './openai-error.ts'

export type ModelChoice =
  | { readonly ok: true; readonly models: readonly [Resolved, ...Resolved[]] }
  | { readonly ok: false; readonly error: CallError }

/** Which models may answer to a name, for the employee that the call names. */
export type ModelChooser = (name: string, employee: EmployeeCard | undefined) => ModelChoice

/** Remembers what it chose, since neither catalogue nor providers change while a gateway runs: a tier has many models to look at. */
export function createModelChooser(deps: Pick<GatewayDeps, 'catalogue' | 'priceBook' | 'usable'>): ModelChooser {
  // Names come from callers: only those that mean something are kept, and not without end.
  const chosen = new LRUCache<string, ModelChoice>({ max: 2_000 })
  return (name, employee) => {
    const key = employee === undefined ? name : `${name}\n${employee.tier}\n${employee.model}`
    const known = chosen.get(key)
    if (known !== undefined) return known
    const choice = chooseModels(deps, name, employee)
    if (choice.ok) chosen.set(key, choice)
    return choice
  }
}

/**
 * The models that may answer, in order. Only a tier has more than one. The practice provider is never a substitute for a real one: users would pay
 * for words that no model said.
 */
function chooseModels(
  { catalogue, priceBook, usable }: Pick<GatewayDeps, 'catalogue' | 'priceBook' | 'usable'>,
  name: string,
  employee: EmployeeCard | undefined,
): ModelChoice {
  const resolve = (asked: string) => resolveModel(catalogue, priceBook, asked, { employee, usable })
  const first = resolve(name)
  if ('unknown' in first)
    return { ok: false, error: { code: 'model_not_found', message: unknownModel(name, employee), param: 'model' } }
  if ('notPriced' in first)
    return {
      ok: false,
      error: {
        code: 'model_not_priced',
        message: `the model '${name}' has no price, so it cannot be charged`,
        param: 'model',
      },
    }
  const tierName = name === 'employee' && employee !== undefined && employee.model === '' ? employee.tier : name
  const tier = catalogue.tiers.find(({ id }) => id === tierName)
  const isPractice = ({ provider }: Resolved): boolean =>
    catalogue.providers.find(({ id }) => id === provider)?.kind === 'practice'
  const others = (tier?.models ?? []).flatMap((id) => {
    const other = resolve(id)
    return 'id' in other && other.id !== first.id && !isPractice(other) ? [other] : []
  })
  return { ok: true, models: [first, ...others] }
}

function unknownModel(name: string, employee: EmployeeCard | undefined): string {
  if (name === 'employee' && employee === undefined)
    return `the model 'employee' needs an employee: name one in x-tollgate-employee`
  return `the model '${name}' does not exist or no provider for it is set up; GET /v1/models lists those that are`
}

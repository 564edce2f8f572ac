import type { Grant, Organization, Page, Period, Usage } from './api/shapes.ts'
import { useAccount } from './provider.tsx'
import { type Loaded, useAsked } from './use-asked.ts'

/** Usage by `query` (GET /credits/v1/usage), asked again when the account has changed; while `isOpen`. */
export function useUsage(query = '', isOpen = true): Loaded<Usage> {
  const follows = useVersion()
  return useAsked(`/credits/v1/usage${query}`, { isOpen: isOpen && follows !== undefined, follows })
}

/** A page of bonuses, packs and adjustments, newest first. `query`: source, cursor, limit. */
export function useGrants(query = ''): Loaded<Page<Grant>> {
  return useAsked(`/credits/v1/grants${query}`, { follows: useVersion(), settleMs: 3_000 })
}

/** Every period, newest first. */
export function useHistory(): Loaded<Page<Period>> {
  const { balance } = useAccount()
  return useAsked('/credits/v1/history', { follows: String(balance?.period ?? '') })
}

export function useOrganizations(): Loaded<Page<Organization>> {
  return useAsked('/credits/v1/organizations')
}

/** Another one: there is something new to ask for. undefined while no balance is known. */
function useVersion(): string | undefined {
  const { balance } = useAccount()
  return balance === null ? undefined : `${balance.epoch}/${balance.version}`
}

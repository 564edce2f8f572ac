/** What somebody should know who runs the plugin. */
export type PluginEvent =
  /** Activities of this workflow type come without our header: the bundle was built without the plugin, or the run is older than it. Told once per type. */
  | { readonly kind: 'workflow_side_missing'; readonly workflowType: string }
  /** Something has a price and is done for no account: it is not charged. Told once per name. */
  | { readonly kind: 'unattributed'; readonly name: string }
  /** The catalogue does not name this activity, so its policy decides: `free`, `refuse`, or the activity as which it is charged. Told once per name. */
  | { readonly kind: 'unnamed_activity'; readonly name: string; readonly policy: string }
  /** `describe` or `ordered` threw, or answered units that are no whole number: one unit is meant. */
  | { readonly kind: 'describe_failed'; readonly name: string; readonly error: unknown }
  /** The ledger could not be asked, and by policy the work went on: its charge is in the outbox. */
  | { readonly kind: 'went_on_unasked'; readonly name: string; readonly reason: string }
  /** The ledger has not answered a settlement yet: the outbox goes on. */
  | { readonly kind: 'settled_late'; readonly name: string; readonly error: unknown }

export type EventCounts = Readonly<Record<PluginEvent['kind'], number>>

export interface Events {
  tell(event: PluginEvent): void
  /** How often each has happened, those included that were told before. */
  counts(): EventCounts
}

/** Counts all, and tells what would repeat itself only once. An `onEvent` that throws never disturbs the work. */
export function createEvents(onEvent: ((event: PluginEvent) => void) | undefined): Events {
  const told = new Set<string>()
  const counts: Record<PluginEvent['kind'], number> = {
    workflow_side_missing: 0,
    unattributed: 0,
    unnamed_activity: 0,
    describe_failed: 0,
    went_on_unasked: 0,
    settled_late: 0,
  }
  return {
    tell(event) {
      counts[event.kind] += 1
      const once = onceBy(event)
      if (once !== undefined) {
        if (told.has(once)) return
        told.add(once)
      }
      try {
        onEvent?.(event)
      } catch {
        // Whoever listens has their own way of noticing
      }
    },
    counts: () => ({ ...counts }),
  }
}

function onceBy(event: PluginEvent): string | undefined {
  switch (event.kind) {
    case 'workflow_side_missing':
      return `${event.kind} ${event.workflowType}`
    case 'unattributed':
    case 'unnamed_activity':
      return `${event.kind} ${event.name}`
    default:
      return undefined
  }
}

/** A workflow run that waits for credits, as the ledger and whoever wakes it name it. */
export interface ParkedRun {
  readonly namespace: string
  readonly workflowId: string
  readonly runId: string
}

/** The signal that wakes it. Without arguments: the run asks for its credits again. */
export const resumeSignal = 'tollgate-resume'

/** The query that a run answers with `ParkedStep[]`: what it waits for now. Runs that nobody charges do not know it. */
export const parkedQuery = 'tollgate-parked'

export interface ParkedStep {
  readonly waitsFor: 'credits' | 'budget' | 'ledger'
  /** Micro-credits that the step needs to begin; 0 where that is not what it waits for. */
  readonly need: number
}

/** Search attribute, of type Keyword, by which runs can be listed that are parked or were skipped. Used in namespaces that have it. */
export const stateAttribute = 'TollgateState'

export function waiterOf({ namespace, workflowId, runId }: ParkedRun): string {
  return JSON.stringify([namespace, workflowId, runId])
}

/** null for text that `waiterOf` never wrote. */
export function parseWaiter(waiter: string): ParkedRun | null {
  try {
    const parts: unknown = JSON.parse(waiter)
    if (!Array.isArray(parts) || parts.length !== 3 || !parts.every((part) => typeof part === 'string')) return null
    const [namespace, workflowId, runId] = parts as [string, string, string]
    return { namespace, workflowId, runId }
  } catch {
    return null
  }
}

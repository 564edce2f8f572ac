/** What a figure must reach. */
export type Goal = { readonly atLeast: number } | { readonly atMost: number }

/** One measured number. `goal` is null for what is told for scale only. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly goal: Goal | null
}

export interface SuiteOptions {
  /** Fewer and shorter rounds: shows that everything works, and roughly what the figures are. */
  readonly quick: boolean
  /** Tells the person who waits what is being measured. */
  readonly say: (line: string) => void
}

export interface Measured {
  readonly figures: readonly Figure[]
  /** Why this machine cannot tell: too slow or too busy. '' when it can. */
  readonly void: string
}

/** Starts what it needs, measures it, and stops it again. */
export type Suite = (options: SuiteOptions) => Promise<Measured>

/** null where there is nothing to reach. */
export function passes({ value, goal }: Pick<Figure, 'value' | 'goal'>): boolean | null {
  if (goal === null) return null
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost
}

/** '≥ 60', '≤ 0.45', or '' without a goal. */
export function goalText(goal: Goal | null): string {
  if (goal === null) return ''
  return 'atLeast' in goal ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`
}

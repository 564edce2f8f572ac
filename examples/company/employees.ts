/** Whom the company employs, one in each tier. A user may give them other names and tiers afterwards, through the credits API. */
export const employees = [
  { id: 'ada', name: 'Ada, assistant', tier: 'fast' },
  { id: 'bruno', name: 'Bruno, writer', tier: 'standard' },
  { id: 'clara', name: 'Clara, researcher', tier: 'advanced' },
] as const

/** Does the research that others ask for. */
export const researcher = 'clara'

/** Writes the daily report. */
export const reporter = 'bruno'

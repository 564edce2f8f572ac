import type { coarse } from './account-workflow.ts'

type Coarse = ReturnType<typeof coarse>

/** Whether two archives say the same; a row of nothing is no row. */
export function sameRows(a: Coarse, b: Coarse): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)])
  return [...names].every((name) =>
    (['charged', 'uncollected', 'units'] as const).every((what) => (a[name]?.[what] ?? 0) === (b[name]?.[what] ?? 0)),
  )
}

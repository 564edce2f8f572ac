import type { Session } from './api/shapes.ts'

/** So many are remembered: a page may be open for weeks. */
const most = 50

/** The sessions with one more reading of one of them, the latest first. Answers and events pass each other on their way: an older reading changes nothing. */
export function withSession(known: readonly Session[], next: Session): readonly Session[] {
  const before = known.find(({ id }) => id === next.id)
  if (before !== undefined && isLater(before, next)) return known
  return [next, ...known.filter(({ id }) => id !== next.id)]
    .toSorted((one, other) => Date.parse(other.startedAt) - Date.parse(one.startedAt))
    .slice(0, most)
}

/** An end is final; once it has begun, time only grows. */
function isLater(one: Session, other: Session): boolean {
  if (one.state === 'ended' || other.state === 'ended') return other.state !== 'ended'
  if (one.state === 'starting' || other.state === 'starting') return one.state !== 'starting'
  return one.seconds > other.seconds
}

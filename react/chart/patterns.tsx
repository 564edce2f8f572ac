import type { ReactNode } from 'react'

const size = 8

/** Marks in the colour of the surface: where colours look alike, they do not. The first has none. */
const marks: readonly ReactNode[] = [
  null,
  <path key="slash" d="M-2,2 l4,-4 M0,8 l8,-8 M6,10 l4,-4" />,
  <circle key="dot" cx="4" cy="4" r="1.25" />,
  <path key="level" d="M0,4 h8" />,
  <path key="backslash" d="M-2,6 l4,4 M0,0 l8,8 M6,-2 l4,4" />,
  <path key="upright" d="M4,0 v8" />,
  <path key="grid" d="M0,4 h8 M4,0 v8" />,
  <circle key="ring" cx="4" cy="4" r="2.25" fill="none" />,
]

/** What series are filled with, under ids that begin with `id`. */
export function Patterns({ id }: { readonly id: string }): ReactNode {
  return (
    <defs>
      {marks.map((mark, place) => (
        // oxlint-disable-next-line react/no-array-index-key -- a series' place is what it is
        <pattern key={place} id={`${id}-${place}`} width={size} height={size} patternUnits="userSpaceOnUse">
          <rect width={size} height={size} className={`cr-series-${place + 1}`} />
          <g className="cr-series-mark">{mark}</g>
        </pattern>
      ))}
    </defs>
  )
}

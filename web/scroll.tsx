import type { ReactNode } from 'react'

export interface ScrollProps {
  /** What is in it. */
  readonly label: string
  readonly children: ReactNode
}

/** What may be wider than the page scrolls by itself, by keyboard too. */
export function Scroll({ label, children }: ScrollProps): ReactNode {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- what scrolls has to be reached by keyboard
    <div className="scroll" role="group" aria-label={label} tabIndex={0}>
      {children}
    </div>
  )
}

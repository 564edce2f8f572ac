import type { ReactNode } from 'react'
import type { Loaded } from '../react/index.ts'
import { Failed } from './failed.tsx'

export interface SectionProps<Data> {
  readonly id: string
  readonly title: string
  readonly loaded: Loaded<Data>
  /** Beside the title: what may be done with it. */
  readonly tools?: ReactNode
  /** Another part says why this is not there. */
  readonly isQuiet?: boolean
  readonly children: (data: Data) => ReactNode
}

/** A part of a page that loads, fails and is tried again by itself. */
export function Section<Data>({ id, title, loaded, tools, isQuiet = false, children }: SectionProps<Data>): ReactNode {
  const { data, error } = loaded
  return (
    <section aria-labelledby={id}>
      <div className="tools">
        <h2 id={id}>{title}</h2>
        {tools}
      </div>
      {!isQuiet && <Failed loaded={loaded} what={title} />}
      {data === null && error === null && <div className="cr-skeleton table-skeleton" aria-busy="true" />}
      {data !== null && children(data)}
    </section>
  )
}

import type { ReactNode } from 'react'

/** A page's heading, which is the title of the window too. */
export function Title({ children }: { readonly children: string }): ReactNode {
  return (
    <>
      <title>{`${children} – Tollgate`}</title>
      <h1>{children}</h1>
    </>
  )
}

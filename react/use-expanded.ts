import { useState } from 'react'

/** Which lines of a tree are open, by their keys: stays as it is while the figures change, and under the name `rememberAs` through a reload of the page. */
export function useExpanded(rememberAs?: string): {
  readonly expanded: ReadonlySet<string>
  readonly toggle: (key: string) => void
} {
  const [expanded, setExpanded] = useState<ReadonlySet<string>>(() => new Set(remembered(rememberAs)))
  const toggle = (key: string): void => {
    const next = new Set(expanded)
    if (!next.delete(key)) next.add(key)
    setExpanded(next)
    if (rememberAs !== undefined) sessionStorage.setItem(rememberAs, JSON.stringify([...next]))
  }
  return { expanded, toggle }
}

function remembered(name: string | undefined): string[] {
  if (name === undefined || typeof sessionStorage === 'undefined') return []
  try {
    const keys: unknown = JSON.parse(sessionStorage.getItem(name) ?? '[]')
    return Array.isArray(keys) ? keys.map(String) : []
  } catch {
    return []
  }
}

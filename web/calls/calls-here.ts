import { useSyncExternalStore } from 'react'

/** What this tab has to do with calls. */
export interface CallsHere {
  /** Those that it plays: as long as it is there they go on, through its reloads too. The latest first. */
  readonly played: readonly string[]
  /** Those that are over, and need not be looked at any more. */
  readonly closed: readonly string[]
}

/** Of the tab alone, and forgotten with it. */
const name = 'tollgate.calls'

let here: CallsHere = { played: kept(), closed: [] }
const listeners = new Set<() => void>()

function become(next: CallsHere): void {
  here = next
  sessionStorage.setItem(name, JSON.stringify(here.played))
  for (const listener of listeners) listener()
}

/** From now on this tab plays the call. */
export function playCall(id: string): void {
  become({ ...here, played: [id, ...here.played.filter((one) => one !== id)] })
}

/** Nobody wants to see it any more. */
export function closeCall(id: string): void {
  become({ played: here.played.filter((one) => one !== id), closed: [...here.closed, id] })
}

export function useCallsHere(): CallsHere {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    () => here,
  )
}

function kept(): string[] {
  try {
    const ids: unknown = JSON.parse(sessionStorage.getItem(name) ?? '[]')
    return Array.isArray(ids) ? ids.map(String) : []
  } catch {
    return []
  }
}

import type { ReactNode } from 'react'
import type { Employee } from '../../../react/index.ts'
import { Call } from '../../calls/call.tsx'
import { useShownCalls } from '../../calls/use-shown-calls.ts'

export interface CallsWithProps {
  readonly employee: Employee
  /** The call that was begun here. */
  readonly begun: string | null
}

/** What runs with one employee; of what is over, the latest. */
export function CallsWith({ employee, begun }: CallsWithProps): ReactNode {
  const calls = useShownCalls().filter(({ employeeId }) => employeeId === employee.id)
  const shown = calls.filter(({ state }, place) => state !== 'ended' || place === 0)
  return shown.map((session) => (
    <Call key={session.id} session={session} name={employee.name} takesFocus={session.id === begun} />
  ))
}

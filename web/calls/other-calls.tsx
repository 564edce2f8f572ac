import type { ReactNode } from 'react'
import { type Employee, type Page, useAsked } from '../../react/index.ts'
import { t } from '../words.ts'
import { Call } from './call.tsx'
import { useCallsHere } from './calls-here.ts'
import { useShownCalls } from './use-shown-calls.ts'

/** Calls that go on while somebody looks at something else. `except`: the employee whose own are shown there. */
export function OtherCalls({ except }: { readonly except?: string | undefined }): ReactNode {
  const { played } = useCallsHere()
  const calls = useShownCalls().filter(
    ({ id, state, employeeId }) => employeeId !== except && (state !== 'ended' || played.includes(id)),
  )
  const employees = useAsked<Page<Employee>>('/credits/v1/employees', { isOpen: calls.length > 0 })
  if (calls.length === 0) return null
  return (
    <section aria-label={t('call.others')}>
      {calls.map((session) => (
        <Call
          key={session.id}
          session={session}
          name={employees.data?.items.find(({ id }) => id === session.employeeId)?.name}
        />
      ))}
    </section>
  )
}

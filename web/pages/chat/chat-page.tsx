import { type ReactNode, useState } from 'react'
import { Link, useParams } from 'wouter'
import { asFailure, type Employee, type Loaded, type Page, useAsked, useCredits } from '../../../react/index.ts'
import { OtherCalls } from '../../calls/other-calls.tsx'
import { Failed } from '../../failed.tsx'
import { paths } from '../../paths.ts'
import { Title } from '../../title.tsx'
import { t, tierName } from '../../words.ts'
import { Conversation } from './conversation-panel.tsx'

/** Whoever can be talked to, and what was said with one of them. */
export function ChatPage(): ReactNode {
  const { employeeId } = useParams<{ employeeId?: string }>()
  const employees = useAsked<Page<Employee>>('/credits/v1/employees')
  const chosen = employees.data?.items.find(({ id }) => id === employeeId) ?? employees.data?.items[0]
  return (
    <>
      <Title>{chosen === undefined ? t('chat.title') : t('chat.with', { name: chosen.name })}</Title>
      <Failed loaded={employees} what={t('chat.employees')} />
      {employees.data === null && employees.error === null && (
        <div className="cr-skeleton table-skeleton" aria-busy="true" />
      )}
      {employees.data !== null && chosen === undefined && <Hire employees={employees} />}
      {employees.data !== null && <OtherCalls except={chosen?.id} />}
      {chosen !== undefined && (
        <div className="chat">
          <nav aria-label={t('chat.employees')}>
            <ul className="chat-employees">
              {employees.data!.items.map(({ id, name, tier }) => (
                <li key={id}>
                  <Link href={paths.chatWith(id)} aria-current={id === chosen.id ? 'page' : undefined}>
                    {name} <small className="badge">{tierName(tier)}</small>
                  </Link>
                </li>
              ))}
            </ul>
          </nav>
          <Conversation
            key={chosen.id}
            employee={chosen}
            another={employees.data!.items.find(({ id }) => id !== chosen.id)}
          />
        </div>
      )}
    </>
  )
}

/** For an account that nobody works for yet. */
function Hire({ employees }: { readonly employees: Loaded<Page<Employee>> }): ReactNode {
  const { client } = useCredits()
  const [failure, setFailure] = useState<string | null>(null)
  const hire = async (): Promise<void> => {
    setFailure(null)
    try {
      await client.ask('/company/employees', { method: 'POST' })
      employees.refetch()
    } catch (error) {
      setFailure(asFailure(error).message)
    }
  }
  return (
    <>
      <p>{t('chat.nobody')}</p>
      <button type="button" className="button" onClick={() => void hire()}>
        {t('chat.hire')}
      </button>
      {failure !== null && (
        <p role="alert" className="failed">
          {failure}
        </p>
      )}
    </>
  )
}

import { type ReactNode, useEffect } from 'react'
import { Link, useParams } from 'wouter'
import { type Employee, type Page, useAsked, useBudgets } from '../../../react/index.ts'
import { Failed } from '../../failed.tsx'
import { paths } from '../../paths.ts'
import { Section } from '../../section.tsx'
import { Title } from '../../title.tsx'
import { t } from '../../words.ts'
import { NotFound } from '../not-found.tsx'
import { BudgetForm } from './budget-form.tsx'
import { budgetOf } from './employees-page.tsx'
import { Report } from './report.tsx'
import { Settings } from './settings.tsx'

/** One employee: what it works with, how much it may spend, and what it does by itself. */
export function EmployeePage(): ReactNode {
  const { employeeId } = useParams<{ employeeId: string }>()
  const employees = useAsked<Page<Employee>>('/credits/v1/employees')
  const budgets = useBudgets()
  const employee = employees.data?.items.find(({ id }) => id === employeeId)
  const isLoaded = employee !== undefined && budgets.data !== null
  // A link to the budget, which is not there when the page opens
  useEffect(() => {
    if (isLoaded && location.hash !== '') document.querySelector(location.hash)?.scrollIntoView()
  }, [isLoaded])
  if (employees.data === null)
    return employees.error === null ? (
      <div className="cr-skeleton table-skeleton" aria-busy="true" />
    ) : (
      <Failed loaded={employees} what={t('employees.list')} />
    )
  if (employee === undefined) return <NotFound />
  const budget = budgetOf(budgets.data?.items, employee.id)
  return (
    <>
      <Title>{employee.name}</Title>
      <p>
        <Link href={paths.employees}>{t('employees.all')}</Link> ·{' '}
        <Link href={paths.chatWith(employee.id)}>{t('chat.with', { name: employee.name })}</Link>
      </p>
      <section aria-labelledby="settings">
        <h2 id="settings">{t('employees.settings')}</h2>
        <Settings employee={employee} onSaved={employees.refetch} />
      </section>
      <Section id="budget" title={t('budget.title')} loaded={budgets}>
        {() => <BudgetForm key={employee.id} employee={employee} budget={budget} onSaved={budgets.refetch} />}
      </Section>
      <Report employee={employee} />
    </>
  )
}

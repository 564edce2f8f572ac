import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { type Budget, type Employee, type Page, useAsked, useBudgets } from '../../../react/index.ts'
import { paths } from '../../paths.ts'
import { Scroll } from '../../scroll.tsx'
import { Section } from '../../section.tsx'
import { Title } from '../../title.tsx'
import { t, tierName } from '../../words.ts'
import { BudgetWords } from './budget-words.tsx'

/** Who works here, with what, and how much each may spend. */
export function EmployeesPage(): ReactNode {
  const employees = useAsked<Page<Employee>>('/credits/v1/employees')
  const budgets = useBudgets()
  return (
    <>
      <Title>{t('employees.title')}</Title>
      <Section id="employees" title={t('employees.list')} loaded={employees}>
        {({ items }) =>
          items.length === 0 ? (
            <p>
              {t('employees.none')} <Link href={paths.chat}>{t('employees.hire')}</Link>
            </p>
          ) : (
            <Scroll label={t('employees.list')}>
              <table className="wide">
                <thead>
                  <tr>
                    <th scope="col">{t('employees.name')}</th>
                    <th scope="col">{t('employees.tier')}</th>
                    <th scope="col">{t('employees.model')}</th>
                    <th scope="col">{t('budget.title')}</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map(({ id, name, tier, model }) => (
                    <tr key={id}>
                      <th scope="row">
                        <Link href={paths.employee(id)}>{name}</Link>
                      </th>
                      <td>
                        <span className="badge">{tierName(tier)}</span>
                      </td>
                      <td>{model === '' ? t('employees.tierModel') : model}</td>
                      <td>
                        <BudgetWords budget={budgetOf(budgets.data?.items, id)} isKnown={budgets.data !== null} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </Scroll>
          )
        }
      </Section>
    </>
  )
}

/** The budget of one employee's own. */
export function budgetOf(budgets: readonly Budget[] | undefined, employeeId: string): Budget | undefined {
  return budgets?.find(({ id }) => id === `employee:${employeeId}`)
}

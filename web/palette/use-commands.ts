import { useLocation } from 'wouter'
import { asFailure, type Employee, type Page, type Referral, useAsked, useCredits } from '../../react/index.ts'
import { paths } from '../paths.ts'
import { saveSheet } from '../save-sheet.ts'
import { t } from '../words.ts'

export interface Command {
  readonly id: string
  readonly name: string
  /** Answers what is to be told of it; '' for what shows by itself. Never rejects. */
  readonly run: () => Promise<string>
}

/** What can be done from anywhere. */
export function useCommands(): readonly Command[] {
  const { client } = useCredits()
  const [, navigate] = useLocation()
  const employees = useAsked<Page<Employee>>('/credits/v1/employees')
  const to = (id: string, name: string, path: string): Command => ({
    id,
    name,
    run: () => {
      navigate(path)
      return Promise.resolve('')
    },
  })
  const copyLink = async (): Promise<string> => {
    try {
      const { link } = await client.ask<Referral>('/credits/v1/referral')
      await navigator.clipboard.writeText(link)
      return t('free.copied')
    } catch {
      // Where the clipboard is closed to pages the link stands there, to be copied by hand
      navigate(paths.freeCredits)
      return ''
    }
  }
  const exportPeriod = async (): Promise<string> => {
    try {
      return t('export.done', { rows: await saveSheet(client, '', () => undefined) })
    } catch (error) {
      return t('export.failed', { reason: asFailure(error).message })
    }
  }
  return [
    to('usage', t('palette.usage'), paths.usage),
    { id: 'copy', name: t('palette.copy'), run: copyLink },
    { id: 'export', name: t('palette.export'), run: exportPeriod },
    to('buy', t('palette.buy'), paths.packs),
    to('chat', t('palette.chat'), paths.chat),
    to('employees', t('palette.employees'), paths.employees),
    ...(employees.data?.items ?? []).flatMap(({ id, name }) => [
      to(`open-${id}`, t('palette.open', { name }), paths.employee(id)),
      to(`budget-${id}`, t('palette.budget', { name }), `${paths.employee(id)}#budget`),
    ]),
  ]
}

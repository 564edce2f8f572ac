import { type ReactNode, useState } from 'react'
import { asFailure, type Employee, type Model, type Page, useAsked, useCredits } from '../../../react/index.ts'
import { Choice } from '../../choice.tsx'
import { t, tierName } from '../../words.ts'

const tiers = ['fast', 'standard', 'advanced'] as const

export interface SettingsProps {
  readonly employee: Employee
  readonly onSaved: () => void
}

/** The tier that says which models answer and at which prices, or one model instead. */
export function Settings({ employee, onSaved }: SettingsProps): ReactNode {
  const { client } = useCredits()
  const models = useAsked<Page<Model>>('/credits/v1/models')
  const [tier, setTier] = useState(employee.tier)
  const [model, setModel] = useState(employee.model)
  const [told, setTold] = useState('')
  const [failure, setFailure] = useState<string | null>(null)
  const save = async (): Promise<void> => {
    setTold('')
    setFailure(null)
    try {
      await client.ask(`/credits/v1/employees/${encodeURIComponent(employee.id)}`, {
        method: 'PATCH',
        body: { tier, model },
      })
      setTold(t('employees.saved'))
      onSaved()
    } catch (error) {
      setFailure(asFailure(error).message)
    }
  }
  const known = models.data?.items ?? []
  return (
    <form
      className="filters"
      onSubmit={(event) => {
        event.preventDefault()
        void save()
      }}
    >
      <Choice label={t('employees.tier')} value={tier} onChange={setTier}>
        {tiers.map((id) => (
          <option key={id} value={id}>
            {tierName(id)}
          </option>
        ))}
      </Choice>
      <Choice label={t('employees.model')} value={model} onChange={setModel}>
        <option value="">{t('employees.tierModel')}</option>
        {model !== '' && !known.some(({ id }) => id === model) && <option value={model}>{model}</option>}
        {known.map(({ id, local }) => (
          <option key={id} value={id}>
            {local ? t('employees.local', { model: id }) : id}
          </option>
        ))}
      </Choice>
      <button type="submit" className="button" disabled={tier === employee.tier && model === employee.model}>
        {t('employees.save')}
      </button>
      <span role="status">{told}</span>
      {failure !== null && (
        <p role="alert" className="failed">
          {t('employees.notSaved', { reason: failure })}
        </p>
      )}
    </form>
  )
}

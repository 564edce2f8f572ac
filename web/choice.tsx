import { type ReactNode, useId } from 'react'

export interface ChoiceProps {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  /** The options. */
  readonly children: ReactNode
}

/** One of several, with its name before it. */
export function Choice({ label, value, onChange, children }: ChoiceProps): ReactNode {
  const id = useId()
  return (
    <span className="choice">
      <label htmlFor={id}>{label}</label>{' '}
      <select id={id} value={value} onChange={({ target }) => onChange(target.value)}>
        {children}
      </select>
    </span>
  )
}

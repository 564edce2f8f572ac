import { type ReactNode, useId, useState } from 'react'
import type { Employee } from '../../../react/index.ts'
import { Choice } from '../../choice.tsx'
import { Dialog } from '../../dialog.tsx'
import { t } from '../../words.ts'

export interface JoinMeetingProps {
  readonly employee: Employee
  /** `isExample`: nobody has given an address, and there is no meeting. */
  readonly onJoin: (meeting: { readonly url: string; readonly isExample: boolean }) => void
  readonly onClose: () => void
}

/** Meetings that the page only plays. */
const examples = {
  meet: 'https://meet.google.com/abc-defg-hij',
  zoom: 'https://zoom.us/j/1234567890',
  teams: 'https://teams.microsoft.com/meet/1234567890',
} as const
type Platform = keyof typeof examples
const names = Object.keys(examples) as readonly Platform[]

/** Asks to which meeting an employee should go. */
export function JoinMeeting({ employee, onJoin, onClose }: JoinMeetingProps): ReactNode {
  const id = useId()
  const [platform, setPlatform] = useState<Platform>('meet')
  const [url, setUrl] = useState('')
  return (
    <Dialog title={t('call.join.title', { name: employee.name })} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          onJoin({ url: url === '' ? examples[platform] : url, isExample: url === '' })
        }}
      >
        <p>
          <label htmlFor={id}>{t('call.join.url')}</label>
          <input
            id={id}
            type="url"
            className="addresses"
            pattern="https://.*"
            placeholder="https://"
            value={url}
            onChange={({ target }) => setUrl(target.value.trim())}
          />
        </p>
        {url === '' && (
          <p>
            <Choice
              label={t('call.join.platform')}
              value={platform}
              onChange={(chosen) => setPlatform(names.find((one) => one === chosen) ?? platform)}
            >
              {names.map((name) => (
                <option key={name} value={name}>
                  {t(`call.platform.${name}`)}
                </option>
              ))}
            </Choice>
          </p>
        )}
        <p className="actions">
          <button type="submit" className="button">
            {t('call.join.go')}
          </button>
          <button type="button" className="button" onClick={onClose}>
            {t('checkout.cancel')}
          </button>
        </p>
      </form>
    </Dialog>
  )
}

import { type ReactNode, useId, useRef, useState } from 'react'
import { t } from '../../words.ts'

/** The link, to be copied; where the clipboard is closed to pages it is selected, to be copied by hand. */
export function ReferralLink({ link }: { readonly link: string }): ReactNode {
  const id = useId()
  const field = useRef<HTMLInputElement>(null)
  const [told, setTold] = useState('')
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(link)
      setTold(t('free.copied'))
    } catch {
      field.current!.focus()
      field.current!.select()
      setTold(t('free.copyYourself'))
    }
  }
  // A share that its user calls off is no error
  const share = (): void => void navigator.share({ url: link }).catch(() => undefined)
  return (
    <p className="link-field">
      <label htmlFor={id} className="cr-hidden">
        {t('free.link')}
      </label>
      <input ref={field} id={id} readOnly value={link} size={40} />{' '}
      <button type="button" className="button" onClick={() => void copy()}>
        {t('free.copy')}
      </button>{' '}
      {'share' in navigator && (
        <button type="button" className="button" onClick={share}>
          {t('free.share')}
        </button>
      )}{' '}
      <span role="status">{told}</span>
    </p>
  )
}

import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react'
import { t } from '../words.ts'

const Palette = lazy(async () => ({ default: (await import('./palette.tsx')).Palette }))

/** The button that opens the palette; Ctrl or ⌘ with K does so from anywhere. */
export function PaletteDoor(): ReactNode {
  const [isOpen, setOpen] = useState(false)
  const [told, setTold] = useState('')
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return
      event.preventDefault()
      setOpen(true)
    }
    window.addEventListener('keydown', onKeyDown)
    return () => window.removeEventListener('keydown', onKeyDown)
  }, [])
  return (
    <>
      <button type="button" className="button" onClick={() => setOpen(true)}>
        {t('palette.open.button')}
      </button>
      <span role="status">{told}</span>
      {isOpen && (
        <Suspense>
          <Palette onClose={() => setOpen(false)} onTold={setTold} />
        </Suspense>
      )}
    </>
  )
}

import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { useCommands } from './use-commands.ts'
import { t } from '../words.ts'

export interface PaletteProps {
  readonly onClose: () => void
  /** What a command tells once the palette is gone. */
  readonly onTold: (words: string) => void
}

/** Everything that can be done by name: typed, chosen by arrow keys, run by Enter. */
export function Palette({ onClose, onTold }: PaletteProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null)
  const id = useId()
  const [typed, setTyped] = useState('')
  const [at, setAt] = useState(0)
  const words = typed.toLocaleLowerCase().split(/\s+/)
  const commands = useCommands().filter(({ name }) => words.every((word) => name.toLocaleLowerCase().includes(word)))
  const chosen = commands[Math.min(at, commands.length - 1)]
  useEffect(() => {
    const shown = dialog.current!
    if (!shown.open) shown.showModal()
    return () => shown.close()
  }, [])

  const run = (command: (typeof commands)[number] | undefined): void => {
    if (command === undefined) return
    dialog.current!.close()
    void command.run().then(onTold)
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined) {
      event.preventDefault()
      setAt((before) => (Math.min(before, commands.length - 1) + step + commands.length) % Math.max(1, commands.length))
    } else if (event.key === 'Enter' && !event.nativeEvent.isComposing) {
      event.preventDefault()
      run(chosen)
    }
  }
  return (
    <dialog ref={dialog} className="dialog palette cr-root" aria-label={t('palette')} onClose={onClose}>
      <input
        role="combobox"
        aria-label={t('palette.type')}
        aria-expanded="true"
        aria-autocomplete="list"
        aria-controls={`${id}-list`}
        aria-activedescendant={chosen === undefined ? undefined : `${id}-${chosen.id}`}
        placeholder={t('palette.type')}
        value={typed}
        onChange={({ target }) => {
          setTyped(target.value)
          setAt(0)
        }}
        onKeyDown={onKeyDown}
      />
      <ul role="listbox" id={`${id}-list`} aria-label={t('palette')}>
        {commands.map((command) => (
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- keys are the field's
          <li
            key={command.id}
            id={`${id}-${command.id}`}
            role="option"
            aria-selected={command.id === chosen?.id}
            onClick={() => run(command)}
          >
            {command.name}
          </li>
        ))}
      </ul>
      {commands.length === 0 && <p role="status">{t('palette.nothing')}</p>}
    </dialog>
  )
}

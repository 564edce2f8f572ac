import { type ReactNode, useState } from 'react'
import { Choice } from './choice.tsx'
import { t } from './words.ts'

const themes = ['system', 'light', 'dark'] as const
type Theme = (typeof themes)[number]
const key = 'tollgate.theme'

function kept(): Theme {
  const theme = localStorage.getItem(key)
  return themes.find((each) => each === theme) ?? 'system'
}

/** What was chosen in this browser; the system's otherwise. */
export function applyTheme(theme: Theme = kept()): void {
  if (theme === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
}

export function ThemeChoice(): ReactNode {
  const [theme, setTheme] = useState(kept)
  const choose = (next: Theme): void => {
    localStorage.setItem(key, next)
    setTheme(next)
    applyTheme(next)
  }
  return (
    <Choice label={t('theme')} value={theme} onChange={(next) => choose(next as Theme)}>
      {themes.map((each) => (
        <option key={each} value={each}>
          {t(`theme.${each}`)}
        </option>
      ))}
    </Choice>
  )
}

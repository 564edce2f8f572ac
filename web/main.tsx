import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import '../react/styles.css'
import './app.css'
import { App } from './app.tsx'
import { applyTheme } from './theme.tsx'

applyTheme()

createRoot(document.querySelector('#root')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
)

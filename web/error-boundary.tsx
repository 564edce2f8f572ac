import { Component, type ReactNode } from 'react'
import { t } from './words.ts'

/** What breaks inside says so and can be tried again; the rest of the page goes on. */
export class ErrorBoundary extends Component<{ readonly children: ReactNode }, { readonly broken: boolean }> {
  override state = { broken: false }
  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true }
  }
  override render(): ReactNode {
    if (!this.state.broken) return this.props.children
    return (
      <div role="alert" className="failed">
        {t('broken')}{' '}
        <button type="button" onClick={() => this.setState({ broken: false })}>
          {t('retry')}
        </button>
      </div>
    )
  }
}

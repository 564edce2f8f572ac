import type { SessionAdapters } from '../middleware/sessions/adapter.ts'
import { browserAdapter } from '../middleware/sessions/adapters/browser.ts'

/** What calls and meetings can run on here. */
export function sessionAdapters(): SessionAdapters {
  return { browser: browserAdapter }
}

import type { Client } from '@temporalio/client'
import type { EventLog } from '../event-log.ts'
import type { Images } from '../images.ts'

export interface DoorDeps {
  readonly client: Client
  readonly events: EventLog
  readonly images: Images
  readonly gatewayUrl: string
  /** The gateway's SERVICE_KEY. */
  readonly serviceKey: string
  readonly onLog?: (message: string, facts: Readonly<Record<string, unknown>>) => void
}

/** Behind the sign-in every request is of an account. */
export interface SignedIn {
  Variables: { account: string }
}

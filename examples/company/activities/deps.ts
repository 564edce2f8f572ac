import type { Client } from '@temporalio/client'
import type OpenAI from 'openai'
import type { EventLog } from '../event-log.ts'
import type { Images } from '../images.ts'

export interface Deps {
  /** Calls the gateway in the name of the activity that is running. */
  readonly openai: OpenAI
  readonly events: EventLog
  readonly images: Images
  readonly client: Client
}

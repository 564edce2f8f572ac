import OpenAI, { type ClientOptions } from 'openai'
import { createModelFetch } from './model-fetch.ts'

export interface OpenAIOptions extends ClientOptions {
  /** Of the gateway, with `/v1`. */
  readonly baseURL: string
  /** Its service key, or the key of the one account that is served. */
  readonly apiKey: string
}

/** The stock client. Its calls find account, employee, message and idempotency key by themselves, from the activity that is running. */
export function createOpenAI(options: OpenAIOptions): OpenAI {
  return new OpenAI({ ...options, fetch: createModelFetch(options.fetch) })
}

'use client'
import { createContext, type ReactNode, use, useEffect, useMemo, useSyncExternalStore } from 'react'
import { type Calendar, createCalendar } from '../credits/calendar.ts'
import { createFormats, type Formats } from '../credits/formats.ts'
import { type Client, createClient } from './api/client.ts'
import { type AccountState, type AccountStore, createAccountStore } from './account-store.ts'
import { createMessageCosts, type MessageCosts } from './api/message-costs.ts'
import type { FeedEvent } from './feed/events.ts'
import { createTranslate, type Messages, type Translate } from './messages.ts'

export interface CreditsProviderProps {
  /** Where the gateway is; '' for the address of the page. */
  readonly baseUrl?: string
  /** A user token of the account. Without it the browser's cookie says who it is. */
  readonly getToken?: () => Promise<string>
  readonly locale?: string
  /** Of the viewer, for moments; that of the browser when left out. Days and periods are always the account's. */
  readonly timeZone?: string
  readonly messages?: Messages
  readonly transport?: 'auto' | 'sse' | 'poll'
  readonly onEvent?: (event: FeedEvent) => void
  readonly children: ReactNode
}

export interface Credits {
  readonly client: Client
  readonly store: AccountStore
  readonly costs: MessageCosts
  readonly formats: Formats
  readonly t: Translate
  readonly calendarOf: (timeZone: string) => Calendar
}

const Context = createContext<Credits | null>(null)

/** Everything inside shows one account, live. */
export function CreditsProvider({
  baseUrl = '',
  getToken,
  locale = 'en',
  timeZone,
  messages,
  transport = 'auto',
  onEvent,
  children,
}: CreditsProviderProps): ReactNode {
  const connection = useMemo(() => {
    const client = createClient({ baseUrl, getToken })
    return { client, store: createAccountStore({ client, transport }), costs: createMessageCosts(client) }
  }, [baseUrl, getToken, transport])
  const credits = useMemo((): Credits => {
    const calendars = new Map<string, Calendar>()
    return {
      ...connection,
      formats: createFormats(locale),
      t: createTranslate(messages),
      calendarOf(zone) {
        const known = calendars.get(zone) ?? createCalendar(locale, zone, timeZone)
        calendars.set(zone, known)
        return known
      },
    }
  }, [connection, locale, messages, timeZone])
  useEffect(() => (onEvent === undefined ? undefined : connection.store.onEvent(onEvent)), [connection, onEvent])
  return <Context value={credits}>{children}</Context>
}

/** Throws Error outside of a CreditsProvider. */
export function useCredits(): Credits {
  const credits = use(Context)
  if (credits === null) throw new Error('this needs a <CreditsProvider> around it')
  return credits
}

/** What is known of the account now. Rendered on a server it is loading. */
export function useAccount(): AccountState {
  const { store } = useCredits()
  return useSyncExternalStore(store.subscribe, store.get, store.get)
}

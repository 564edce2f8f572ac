import en from './en.json' with { type: 'json' }

export type MessageKey = keyof typeof en
export type Messages = Partial<Record<MessageKey, string>>
export type Translate = (key: MessageKey, values?: Readonly<Record<string, string | number>>) => string

/** Words for what components say: `messages` where they have one, English otherwise. `{name}` stands for a value. */
export function createTranslate(messages: Messages = {}): Translate {
  return (key, values = {}) =>
    (messages[key] ?? en[key]).replaceAll(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''))
}

import { Webhook } from 'standardwebhooks'

/** Messages whose sender and time can be checked, signed as standardwebhooks.com says. */
export interface SignedMessages {
  /** The headers of a message. `id` names what it tells of: who gets it twice knows it by that. */
  sign(message: { readonly id: string; readonly at: Date; readonly body: string }): Readonly<Record<string, string>>
  /** Whether such a message came from somebody who knows the secret, within five minutes of now. The body is as it came, byte for byte. */
  isGenuine(body: string, headers: Headers): boolean
}

/** `secret` in base64, with or without `whsec_` before it. Throws for one that is no base64, or empty. */
export function createSignedMessages(secret: string): SignedMessages {
  const webhook = new Webhook(secret)
  return {
    sign: ({ id, at, body }) => ({
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
      'webhook-signature': webhook.sign(id, at, body),
    }),
    isGenuine(body, headers) {
      // Svix, by which many services send, has the same signature under names of its own
      const named = (name: string): string => headers.get(`webhook-${name}`) ?? headers.get(`svix-${name}`) ?? ''
      const proof = Object.fromEntries(
        ['id', 'timestamp', 'signature'].map((name) => [`webhook-${name}`, named(name)] as const),
      )
      try {
        webhook.verify(body, proof, { jsonParse: false })
        return true
      } catch {
        return false
      }
    },
  }
}

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'

export interface Heard {
  readonly id: string
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
  readonly timestamp: string
}

export interface CompanySystem {
  readonly url: string
  readonly secret: string
  /** Events that came with a signature of the secret; others are answered 401 and not among these. */
  readonly heard: Heard[]
  /** Answers to the next events, in their order; then 204. */
  readonly answers: { readonly status: number; readonly body?: string }[]
  close(): Promise<void>
}

export const sharedSecret = `whsec_${Buffer.from('a secret that company and gateway share').toString('base64')}`

/** A company's own system that calls take place in, on the loopback interface. It checks signatures by the library as its docs say. */
export async function startCompanySystem(): Promise<CompanySystem> {
  const heard: Heard[] = []
  const answers: CompanySystem['answers'] = []
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      try {
        const event = new Webhook(sharedSecret).verify(text, request.headers as Record<string, string>) as Heard
        heard.push({ ...event, id: String(request.headers['webhook-id']) })
      } catch {
        return void response.writeHead(401).end()
      }
      const { status, body = '' } = answers.shift() ?? { status: 204 }
      response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    secret: sharedSecret,
    heard,
    answers,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

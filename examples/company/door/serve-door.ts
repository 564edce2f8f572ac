import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { isGrpcServiceError } from '@temporalio/client'
import { Hono } from 'hono'
import { ZodError } from 'zod'
import { conversations } from './conversations.ts'
import type { DoorDeps, SignedIn } from './deps.ts'
import { DoorError } from './door-error.ts'
import { report } from './report.ts'
import { signIn } from './sign-in.ts'
import { spendDown } from './spend-down.ts'
import { staff } from './staff.ts'

export interface Door {
  readonly url: string
  close(): Promise<void>
}

/** Serves the company's HTTP door. Every route takes the API key or user token of an account, as the credits API does. */
export async function serveDoor(deps: DoorDeps, host: string, port: number): Promise<Door> {
  const app = new Hono<SignedIn>()
  app.use('/company/*', signIn(deps.gatewayUrl))
  app.route('/company/employees', staff(deps))
  app.route('/company/conversations', conversations(deps))
  app.route('/company/report', report(deps))
  app.route('/company/spend-down', spendDown(deps))
  app.notFound((context) => context.json(bodyOf('not_found', 'there is no such route'), 404))
  app.onError((error, context) => {
    const { status, code, message } = answerTo(error)
    if (status === 500) deps.onLog?.('a request failed', { error: String(error) })
    return context.json(bodyOf(code, message), status)
  })

  const server = createServer(getRequestListener(app.fetch))
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve))
  return {
    url: `http://${host}:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        // Whoever follows a conversation comes back by Last-Event-ID.
        server.closeAllConnections()
      }),
  }
}

function bodyOf(code: string, message: string) {
  return { error: { code, message, requestId: randomUUID() } }
}

function answerTo(error: Error) {
  if (error instanceof DoorError) return error
  if (error instanceof ZodError || error instanceof SyntaxError)
    return { status: 400, code: 'invalid_request', message: error.message } as const
  if (isGrpcServiceError(error.cause ?? error))
    return {
      status: 503,
      code: 'temporal_unavailable',
      message: 'the company does not answer; try again shortly',
    } as const
  return { status: 500, code: 'internal_error', message: 'something went wrong on our side' } as const
}

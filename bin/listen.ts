import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { StartError } from './settings.ts'

/** Resolves with the address where the server listens. Throws StartError `port_taken`, naming the variable that moves it. */
export async function listen(server: Server, host: string, port: number, variable: string): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new StartError(
              'port_taken',
              `port ${port} on ${host} is taken: stop what listens there, or set ${variable} to another one`,
            )
          : error,
      ),
    )
    server.listen(port, host, resolve)
  })
  return `http://${host.includes(':') ? `[${host}]` : host}:${(server.address() as AddressInfo).port}`
}

import { fileURLToPath } from 'node:url'
import { type Child, startChild } from '../bin/stack/child.ts'
import { freePort } from '../bin/stack/free-port.ts'

export interface Program extends Child {
  readonly port: number
}

/** Starts a file of this repository as a process of its own, on a free port, and resolves when it is ready. */
export async function startProgram(
  file: string,
  environment: Readonly<Record<string, string>>,
  ready: (port: number) => Promise<boolean>,
): Promise<Program> {
  const port = await freePort()
  const child = await startChild({
    command: process.execPath,
    args: [fileURLToPath(new URL(`../${file}`, import.meta.url))],
    port,
    env: { ...environment, PORT: String(port), WORKER_PORT: String(port) },
    readyWithinMs: 60_000,
    isReady: () => ready(port),
  })
  return { ...child, port }
}

/** Of a gateway or worker. */
export async function isReady(port: number): Promise<boolean> {
  return (await fetch(`http://127.0.0.1:${port}/readyz`)).ok
}

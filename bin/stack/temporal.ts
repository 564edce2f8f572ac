import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { Connection } from '@temporalio/client'
import { stateAttribute } from '../../credits/parked-run.ts'
import { partPath } from '../parts.ts'
import { type Child, startChild } from './child.ts'
import { freePort } from './free-port.ts'

export interface TemporalOptions {
  /** Any free port unless given. */
  readonly port?: number
  /** The SQLite file that keeps everything; without it, memory. */
  readonly dbFilename?: string
  /** Serves the web UI on this port; headless without it. */
  readonly uiPort?: number
  readonly namespace?: string
  readonly searchAttributes?: Readonly<Record<string, SearchAttributeType>>
  readonly dynamicConfig?: Readonly<Record<string, string | number | boolean>>
}

export type SearchAttributeType = 'Text' | 'Keyword' | 'Int' | 'Double' | 'Bool' | 'Datetime' | 'KeywordList'

export interface RunningTemporal extends Child {
  readonly port: number
  readonly address: string
  readonly uiUrl?: string
}

/** Starts a Temporal dev server, with the search attribute of parked runs, on the loopback interface, and resolves when its namespace answers. */
export async function startTemporal(options: TemporalOptions = {}): Promise<RunningTemporal> {
  const { dbFilename, uiPort, namespace = 'default', dynamicConfig = {} } = options
  const searchAttributes = { [stateAttribute]: 'Keyword', ...options.searchAttributes }
  const port = options.port ?? (await freePort())
  const address = `127.0.0.1:${port}`
  if (dbFilename !== undefined) mkdirSync(dirname(dbFilename), { recursive: true })
  const flags = [
    ['--ip', '127.0.0.1'],
    ['--port', String(port)],
    ['--namespace', namespace],
    ['--log-level', 'error'],
    uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort)],
    dbFilename === undefined ? [] : ['--db-filename', dbFilename],
    ...Object.entries(searchAttributes).map(([name, type]) => ['--search-attribute', `${name}=${type}`]),
    ...Object.entries(dynamicConfig).map(([name, value]) => [
      '--dynamic-config-value',
      `${name}=${JSON.stringify(value)}`,
    ]),
  ]
  const child = await startChild({
    command: partPath('TEMPORAL_CLI'),
    args: ['server', 'start-dev', ...flags.flat()],
    port,
    isReady: () => answers(address, namespace),
  })
  return { ...child, port, address, ...(uiPort === undefined ? {} : { uiUrl: `http://127.0.0.1:${uiPort}` }) }
}

async function answers(address: string, namespace: string): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: '1s' })
  try {
    await connection.workflowService.describeNamespace({ namespace })
    return true
  } finally {
    await connection.close()
  }
}

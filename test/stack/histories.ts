import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { WorkflowHandle } from '@temporalio/client'
import proto from '@temporalio/proto'

/*
 * Workflows that run today were started by yesterday's code. Histories are recorded from real runs; a change that could not replay them would stop runs like
 * them. `RECORD=1 npx vitest run <the test>` records the ones that are missing, for the next run: add new kinds, keep the old ones, since runs like them are still
 * out there.
 */
const { History } = proto.temporal.api.history.v1
// The SDK's own historyToJSON fails where npm installed more than one protobufjs.
const asJson = { longs: String, enums: String, bytes: String }

export const recording = process.env['RECORD'] !== undefined

/** Writes the histories that the folder does not have. */
export async function recordMissing(
  folder: string,
  recordings: Readonly<Record<string, () => Promise<string>>>,
): Promise<void> {
  for (const [name, record] of Object.entries(recordings)) {
    const file = join(folder, `${name}.json`)
    // Stack traces name the checkout that they were recorded in.
    if (!existsSync(file)) writeFileSync(file, `${(await record()).replaceAll(`${process.cwd()}/`, '')}\n`)
  }
}

export function namesIn(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
}

export function textIn(folder: string, name: string): string {
  return readFileSync(join(folder, `${name}.json`), 'utf8')
}

export async function textOf(handle: WorkflowHandle): Promise<string> {
  const history = await handle.fetchHistory()
  return JSON.stringify(History.toObject(history as Parameters<typeof History.toObject>[0], asJson), null, 1)
}

export function historyFrom(text: string): ReturnType<typeof History.fromObject> {
  return History.fromObject(JSON.parse(text) as object)
}

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

/** The programs that the set-up found or fetched: paths of binaries. A part replaced by an address is not among them. */
const partsSchema = z.object({
  REDIS_SERVER: z.string().optional(),
  TEMPORAL_CLI: z.string().optional(),
  TEMPORAL_TEST_SERVER: z.string().optional(),
  POSTGRES: z.string().optional(),
  PROMETHEUS: z.string().optional(),
  LIVEKIT_SERVER: z.string().optional(),
  CHROMIUM: z.string().optional(),
  PYTHON_OPENAI: z.string().optional(),
})
export type PartName = keyof z.infer<typeof partsSchema>

const partsFile = fileURLToPath(new URL('../.tollgate/parts.json', import.meta.url))

/** The path of a program that the set-up has noted; throws with the command that would note it. */
export function partPath(name: PartName): string {
  const path = readParts()[name]
  if (path === undefined) throw new Error(`${name} is not set up here; run: node bin/setup.mjs test`)
  return path
}

function readParts(): z.infer<typeof partsSchema> {
  let text: string
  try {
    text = readFileSync(partsFile, 'utf8')
  } catch {
    return {}
  }
  return partsSchema.parse(JSON.parse(text))
}

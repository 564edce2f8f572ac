import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const imports = 'eslint(no-restricted-imports)'
const environment = 'node(no-process-env)'
const properties = 'eslint(no-restricted-properties)'

const refused: [file: string, source: string, rule: string][] = [
  // credits is pure: no other folder, no I/O, no clock
  ...['ledger', 'journal', 'middleware', 'workflows', 'activities', 'gateway', 'bin'].map(
    (folder) => ['credits/a.ts', `import { x } from '../${folder}/x.ts'`, imports] as [string, string, string],
  ),
  ['credits/deeper/a.ts', `import { x } from '../../ledger/x.ts'`, imports],
  ['credits/a.ts', `export * from '../ledger/x.ts'`, imports],
  ['credits/a.ts', `import type { X } from '../ledger/x.ts'`, imports],
  ['credits/a.ts', `import { readFileSync } from 'node:fs'`, imports],
  ['credits/a.ts', `import { readFileSync } from 'fs'`, imports],
  ['credits/a.ts', `import { Redis } from 'ioredis'`, imports],
  ['credits/a.ts', `import { x } from '@temporalio/common'`, imports],
  ['credits/a.ts', `import { x } from 'zoderia'`, imports],
  ['credits/a.ts', `export const now = Date.now()`, properties],
  ['credits/a.ts', `export const luck = Math.random()`, properties],
  // ledger and journal know only credits
  ['ledger/a.ts', `import { x } from '../journal/x.ts'`, imports],
  ['ledger/a.ts', `import { x } from '../middleware/gate.ts'`, imports],
  ['ledger/a.ts', `import { x } from '../gateway/x.ts'`, imports],
  ['journal/a.ts', `import { x } from '../ledger/x.ts'`, imports],
  ['journal/a.ts', `import { x } from '../middleware/x.ts'`, imports],
  ['journal/a.ts', `import { x } from '../activities/x.ts'`, imports],
  // middleware does not know its users
  ['middleware/a.ts', `import { x } from '../gateway/x.ts'`, imports],
  ['middleware/a.ts', `import { x } from '../workflows/x.ts'`, imports],
  ['middleware/a.ts', `import { x } from '../activities/x.ts'`, imports],
  ['middleware/temporal/a.ts', `import { x } from '../../bin/x.ts'`, imports],
  // what runs in a workflow loads nothing else
  ...['workflows', 'middleware/temporal/workflow', 'package/temporal'].flatMap((folder) => {
    const up = '../'.repeat(folder.split('/').length)
    return [
      [`${folder}/a.ts`, `import { x } from '${up}ledger/x.ts'`, imports],
      [`${folder}/a.ts`, `import { x } from '${up}journal/x.ts'`, imports],
      [`${folder}/a.ts`, `import { x } from '${up}middleware/gate.ts'`, imports],
      [`${folder}/a.ts`, `import { x } from '${up}middleware/temporal/client.ts'`, imports],
      [`${folder}/a.ts`, `import { x } from '${up}activities/x.ts'`, imports],
      [`${folder}/a.ts`, `import { x } from '${up}gateway/x.ts'`, imports],
      [`${folder}/a.ts`, `import { x } from 'node:crypto'`, imports],
      [`${folder}/a.ts`, `import { x } from '@temporalio/client'`, imports],
      [`${folder}/a.ts`, `import { x } from '@temporalio/worker'`, imports],
    ] as [string, string, string][]
  }),
  // activities and gateway know workflows by type only, and not each other
  ['activities/a.ts', `import { x } from '../workflows/x.ts'`, imports],
  ['activities/a.ts', `import { x } from '../gateway/x.ts'`, imports],
  ['gateway/a.ts', `import { x } from '../workflows/x.ts'`, imports],
  ['gateway/a.ts', `import { x } from '../activities/x.ts'`, imports],
  ['gateway/routes/a.ts', `import { x } from '../../bin/x.ts'`, imports],
  ['package/a.ts', `export { x } from '../gateway/x.ts'`, imports],
  ['package/a.ts', `export { x } from '../bin/x.ts'`, imports],
  ['middleware/a.ts', `import { x } from '../package/x.ts'`, imports],
  ['bin/a.ts', `import { x } from '../package/x.ts'`, imports],
  // an example knows what a customer does
  ['examples/company/a.ts', `import { x } from '../../middleware/temporal/plugin.ts'`, imports],
  ['examples/company/a.ts', `import { x } from '../../bin/x.ts'`, imports],
  ['examples/company/activities/a.ts', `import { x } from '../../../gateway/x.ts'`, imports],
  ['examples/company/workflows/a.ts', `import { x } from '../../../package/charges.ts'`, imports],
  ['examples/company/workflows/a.ts', `import { x } from 'node:crypto'`, imports],
  ['examples/company/workflows/a.ts', `import { x } from '@temporalio/client'`, imports],
  ['examples/company/workflows/a.ts', `import { x } from '../activities/index.ts'`, imports],
  ['react/a.ts', `import { x } from '../web/x.ts'`, imports],
  ['web/a.ts', `import { x } from '../gateway/x.ts'`, imports],
  ['bin/a.ts', `import { x } from '../test/x.ts'`, imports],
  // only bin reads the environment
  ...['credits', 'ledger', 'journal', 'middleware', 'workflows', 'activities', 'gateway'].flatMap(
    (folder) =>
      [
        [`${folder}/a.ts`, `export const x = process.env['X']`, environment],
        [`${folder}/a.ts`, `import { env } from 'node:process'`, imports],
      ] as [string, string, string][],
  ),
]

const allowed: [file: string, source: string][] = [
  ...['zod', 'yaml', 'temporal-polyfill', '@pydantic/genai-prices'].map(
    (name) => ['credits/a.ts', `import { x } from '${name}'`] as [string, string],
  ),
  ['credits/a.ts', `import { x } from './b.ts'`],
  ['credits/account/a.ts', `import { x } from '../b.ts'`],
  ['ledger/a.ts', `import { x } from '../credits/x.ts'`],
  ['ledger/a.ts', `import { Redis } from 'ioredis'`],
  ['journal/a.ts', `import { x } from '../credits/x.ts'`],
  ['middleware/a.ts', `import { x } from '../ledger/x.ts'`],
  ['middleware/a.ts', `import { x } from '../journal/x.ts'`],
  ['middleware/temporal/a.ts', `import { x } from './workflow/x.ts'`],
  ['middleware/temporal/workflow/a.ts', `import { x } from '../../../credits/x.ts'`],
  ['middleware/temporal/workflow/a.ts', `import { x } from './x.ts'`],
  ['workflows/a.ts', `import { x } from '../credits/x.ts'`],
  ['workflows/a.ts', `import { x } from './x.ts'`],
  ['workflows/a.ts', `import { x } from '../middleware/temporal/workflow/x.ts'`],
  ['workflows/a.ts', `import type { X } from '../activities/x.ts'`],
  ['workflows/a.ts', `import { x } from '@temporalio/workflow'`],
  ['activities/a.ts', `import { x } from '../middleware/x.ts'`],
  ['activities/a.ts', `import type { X } from '../workflows/x.ts'`],
  ['gateway/a.ts', `import { x } from '../middleware/x.ts'`],
  ['gateway/a.ts', `import type { X } from '../workflows/x.ts'`],
  ['gateway/a.ts', `import { Hono } from 'hono'`],
  ['package/a.ts', `export { x } from '../middleware/temporal/x.ts'`],
  ['package/temporal/a.ts', `export { x } from '../../middleware/temporal/workflow/x.ts'`],
  ['bin/a.ts', `import { x } from '../workflows/x.ts'`],
  ['bin/a.ts', `import { x } from '../examples/company/x.ts'`],
  ['examples/company/a.ts', `import { x } from '../../package/temporal.ts'`],
  ['examples/company/a.ts', `import { x } from './activities/index.ts'`],
  ['examples/company/workflows/a.ts', `import type { X } from '../activities/index.ts'`],
  ['examples/company/workflows/a.ts', `import { x } from '../names.ts'`],
  ['examples/company/workflows/a.ts', `import { completeTask } from '../../../package/temporal/workflow.ts'`],
  ['bin/a.ts', `export const x = process.env['X']`],
  ['test/a.ts', `export const x = process.env['X']`],
]

let folder: string
let found: Map<string, string[]>

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-lint-'))
  copyFileSync(join(root, 'oxlint.config.ts'), join(folder, 'oxlint.config.ts'))
  refused.forEach(([file, source], index) => plant(planted(file, `refused${index}`), source))
  allowed.forEach(([file, source], index) => plant(planted(file, `allowed${index}`), source))
  found = await lint()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('refused', () => {
  test.each(refused.map((row, index) => ({ file: row[0], source: row[1], rule: row[2], index })))(
    '$file: $source',
    ({ file, rule, index }) => {
      expect(found.get(planted(file, `refused${index}`))).toContain(rule)
    },
  )
})

describe('allowed', () => {
  test.each(allowed.map(([file, source], index) => ({ file, source, index })))('$file: $source', ({ file, index }) => {
    expect(found.get(planted(file, `allowed${index}`)) ?? []).not.toEqual(
      expect.arrayContaining([expect.stringMatching(/no-restricted|no-process-env/)]),
    )
  })
})

function planted(file: string, name: string): string {
  return join(dirname(file), `${name}.ts`)
}

function plant(file: string, source: string): void {
  const path = join(folder, file)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${source}\n`)
}

function lint(): Promise<Map<string, string[]>> {
  const oxlint = join(root, 'node_modules/.bin/oxlint')
  return new Promise((resolve, reject) => {
    execFile(oxlint, ['--format', 'json'], { cwd: folder, maxBuffer: 64e6 }, (_, printed, complained) => {
      try {
        const { diagnostics } = JSON.parse(printed) as { diagnostics: { code: string; filename: string }[] }
        const codes = new Map<string, string[]>()
        for (const { code, filename } of diagnostics) codes.set(filename, [...(codes.get(filename) ?? []), code])
        resolve(codes)
      } catch {
        reject(new Error(`oxlint did not run: ${printed}${complained}`))
      }
    })
  })
}

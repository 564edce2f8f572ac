// `npm run build`: the package's code in dist/, compiled from its entry points, with the files beside it that are read when it runs.
import { execFileSync } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

const pathTo = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url))

rmSync(pathTo('dist'), { recursive: true, force: true })
execFileSync(pathTo('node_modules/.bin/tsc'), ['--project', pathTo('tsconfig.build.json')], { stdio: 'inherit' })
cpSync(pathTo('ledger'), pathTo('dist/ledger'), {
  recursive: true,
  filter: (path) => path === pathTo('ledger') || extname(path) === '.lua',
})
cpSync(pathTo('journal/migrations'), pathTo('dist/journal/migrations'), { recursive: true })

import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './run.mjs'

/** The npm packages of this checkout, installed again only when the lock file has changed. */
export function npmPackages(root) {
  const stamp = join(root, 'node_modules', '.tollgate-lock')
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  return {
    name: 'npm packages',
    isReady: () =>
      existsSync(join(root, 'node_modules/.bin/node')) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted,
    async get(say) {
      say('npm ci, about a minute')
      // Node 24 itself is a development dependency, so NODE_ENV=production must not leave those out.
      await run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund'], { cwd: root })
      writeFileSync(stamp, wanted)
    },
    help: `cd ${root} && npm ci`,
  }
}

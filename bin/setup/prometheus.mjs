import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { hasApt, unpackDebian, writeLauncher } from './debian.mjs'
import { findProgram, run } from './run.mjs'

/** A real Prometheus for the tests of dashboards and alert rules; `promtool` stands in the same folder as `prometheus`. */
export const prometheus = {
  name: 'Prometheus',
  variable: 'PROMETHEUS',
  cachedAs: 'prometheus',
  program: 'bin/prometheus',
  tryWith: ['--version'],
  find() {
    const found = findProgram('prometheus')
    return found !== undefined && existsSync(join(dirname(found), 'promtool')) ? found : undefined
  },
  ways: [
    {
      says: 'unpacking the Debian package, about 30 s',
      possible: hasApt,
      async get(folder) {
        await unpackDebian('prometheus', folder)
        for (const name of ['prometheus', 'promtool']) writeLauncher(folder, name, `usr/bin/${name}`)
      },
    },
    {
      says: 'brew install prometheus, about a minute',
      possible: () => findProgram('brew') !== undefined,
      get: () => run('brew', ['install', 'prometheus']),
    },
  ],
  help: process.platform === 'darwin' ? 'brew install prometheus' : 'sudo apt-get install -y prometheus',
}

import { hasApt, installDebian, unpackDebian, writeLauncher } from './debian.mjs'
import { findProgram, rootPrefix, run } from './run.mjs'

/** A real browser for the tests of the pages. */
export const chromium = {
  name: 'Chromium',
  variable: 'CHROMIUM',
  cachedAs: 'chromium',
  program: 'bin/chromium',
  tryWith: ['--version'],
  find: () => findProgram('chromium') ?? findProgram('chromium-browser') ?? findProgram('google-chrome'),
  ways: [
    {
      says: 'installing the Debian package, about a minute',
      possible: () => hasApt() && rootPrefix() !== undefined,
      get: () => installDebian('chromium'),
    },
    {
      says: 'unpacking the Debian package, about two minutes',
      possible: hasApt,
      async get(folder) {
        await unpackDebian('chromium', folder)
        writeLauncher(folder, 'chromium', 'usr/lib/chromium/chromium')
      },
    },
    {
      says: 'brew install --cask chromium, about a minute',
      possible: () => findProgram('brew') !== undefined,
      get: () => run('brew', ['install', '--cask', 'chromium']),
    },
  ],
  help: process.platform === 'darwin' ? 'brew install --cask chromium' : 'sudo apt-get install -y chromium',
}

import { readdirSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { cacheFolder } from './cache.mjs'
import { hasApt, unpackDebian, writeLauncher } from './debian.mjs'
import { findProgram, isProgram, run } from './run.mjs'

const homes = ['/usr/lib/postgresql', '/opt/homebrew/opt', '/usr/local/opt']

/** A real PostgreSQL for the tests; `initdb` stands in the same folder as `postgres`. */
export const postgres = {
  name: 'PostgreSQL',
  variable: 'POSTGRES',
  // PostgreSQL refuses to run as root, and nobody else may look into root's home folder.
  folder: process.getuid?.() === 0 ? '/var/cache/tollgate' : cacheFolder,
  cachedAs: 'postgresql',
  program: 'bin/postgres',
  tryWith: ['--version'],
  find() {
    const found = [findProgram('postgres'), ...installed()].find((path) => path !== undefined)
    return found && realpathSync(found)
  },
  ways: [
    {
      says: 'unpacking the Debian package, about 40 s',
      possible: hasApt,
      async get(folder) {
        await unpackDebian('postgresql', folder)
        const release = readdirSync(join(folder, 'usr/lib/postgresql'))[0]
        for (const name of ['postgres', 'initdb'])
          writeLauncher(folder, name, `usr/lib/postgresql/${release}/bin/${name}`)
      },
    },
    {
      says: 'brew install postgresql@17, about a minute',
      possible: () => findProgram('brew') !== undefined,
      get: () => run('brew', ['install', 'postgresql@17']),
    },
  ],
  help: process.platform === 'darwin' ? 'brew install postgresql@17' : 'sudo apt-get install -y postgresql',
}

// Debian and Homebrew keep the servers off PATH, one folder per release; the newest first.
function installed() {
  return homes
    .flatMap((home) => releasesIn(home).map((release) => join(home, release, 'bin/postgres')))
    .filter((path) => isProgram(path) && isProgram(join(dirname(path), 'initdb')))
}

function releasesIn(home) {
  try {
    return readdirSync(home)
      .filter((name) => /^(postgresql@)?\d+$/.test(name))
      .sort((a, b) => releaseNumber(b) - releaseNumber(a))
  } catch {
    return []
  }
}

const releaseNumber = (name) => Number(name.replace('postgresql@', ''))

import { hasApt, unpackDebian, writeLauncher } from './debian.mjs'
import { findProgram, run } from './run.mjs'

export const redis = {
  name: 'Redis',
  variable: 'REDIS_SERVER',
  address: 'REDIS_URL',
  cachedAs: 'redis',
  program: 'bin/redis-server',
  tryWith: ['--version'],
  find: () => findProgram('redis-server'),
  ways: [
    {
      says: 'unpacking the Debian package, about 15 s',
      possible: hasApt,
      async get(folder) {
        await unpackDebian('redis-server', folder)
        writeLauncher(folder, 'redis-server', 'usr/bin/redis-server')
      },
    },
    {
      says: 'brew install redis, about a minute',
      possible: () => findProgram('brew') !== undefined,
      get: () => run('brew', ['install', 'redis']),
    },
  ],
  help: process.platform === 'darwin' ? 'brew install redis' : 'sudo apt-get install -y redis-server',
}

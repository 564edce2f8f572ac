import { cacheFolder } from './cache.mjs'
import { buildWithGo, findGo } from './go.mjs'
import { findProgram, run } from './run.mjs'

const version = '1.11.0'
const source = `github.com/livekit/livekit-server/cmd/server@v${version}`

/** A real media server for the tests of voice calls. */
export const livekit = {
  name: 'LiveKit server',
  variable: 'LIVEKIT_SERVER',
  cachedAs: `livekit-server/${version}`,
  // Go names a program after its folder
  program: 'server',
  tryWith: ['--version'],
  find: () => findProgram('livekit-server'),
  ways: [
    {
      says: 'brew install livekit, about a minute',
      possible: () => findProgram('brew') !== undefined,
      get: () => run('brew', ['install', 'livekit']),
    },
    {
      says: 'building it with go, about 5 minutes',
      possible: () => findGo() !== undefined,
      get: (folder) => buildWithGo(source, folder),
    },
  ],
  help:
    findGo() === undefined
      ? 'install Go 1.25 or newer and run this again, or set LIVEKIT_SERVER to the `livekit-server` program'
      : `GOBIN="${cacheFolder}/livekit-server/${version}" go install ${source}`,
}

import { cacheFolder } from './cache.mjs'
import { buildWithGo, findGo } from './go.mjs'
import { findProgram, run } from './run.mjs'
import { downloadAsSdk } from './sdk-download.mjs'

const version = '1.5.1'
const source = `github.com/temporalio/cli/cmd/temporal@v${version}`

export const temporal = {
  name: 'Temporal dev server',
  variable: 'TEMPORAL_CLI',
  address: 'TEMPORAL_ADDRESS',
  cachedAs: `temporal/${version}`,
  program: 'temporal',
  find: () => findProgram('temporal'),
  ways: [
    {
      says: 'downloading it as the Temporal SDK does, about 20 s',
      possible: () => true,
      get: (folder) => downloadAsSdk({ artifact: 'cli', format: 'tar.gz', program: 'temporal', folder }),
    },
    {
      says: 'brew install temporal, about a minute',
      possible: () => findProgram('brew') !== undefined,
      get: () => run('brew', ['install', 'temporal']),
    },
    {
      says: 'building it with go, about 6 minutes',
      possible: () => findGo() !== undefined,
      get: (folder) => buildWithGo(source, folder),
    },
  ],
  help:
    findGo() === undefined
      ? 'install Go 1.24 or newer and run this again, or set TEMPORAL_CLI to the `temporal` program'
      : `GOBIN="${cacheFolder}/temporal/${version}" go install ${source}`,
}

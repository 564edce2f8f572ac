import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './run.mjs'

const platforms = { linux: 'linux', darwin: 'darwin' }
const architectures = { x64: 'amd64', arm64: 'arm64' }
const sdkVersion = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).devDependencies[
  '@temporalio/testing'
]

/** Asks where the Temporal SDK would itself fetch this program from, and fetches it; gives up quickly without a network. */
export async function downloadAsSdk({ artifact, format, program, folder }) {
  const platform = platforms[process.platform]
  const arch = architectures[process.arch]
  if (platform === undefined || arch === undefined)
    throw new Error(`no download for ${process.platform} ${process.arch}`)
  const query = new URLSearchParams({ arch, platform, 'sdk-name': 'sdk-typescript', 'sdk-version': sdkVersion })
  if (format !== undefined) query.set('format', format)
  const answer = await fetch(`https://temporal.download/${artifact}/default?${query}`, {
    signal: AbortSignal.timeout(4_000),
  })
  if (!answer.ok) throw new Error(`the SDK's download answered ${answer.status}`)
  const { archiveUrl, fileToExtract } = await answer.json()
  const archive = await fetch(archiveUrl, { signal: AbortSignal.timeout(300_000) })
  if (!archive.ok) throw new Error(`the SDK's download answered ${archive.status}`)
  const packed = join(folder, 'download.tar.gz')
  writeFileSync(packed, new Uint8Array(await archive.arrayBuffer()))
  await run('tar', [
    '-xzf',
    packed,
    '-C',
    folder,
    '--strip-components',
    String(fileToExtract.split('/').length - 1),
    fileToExtract,
  ])
  await run('rm', ['-f', packed])
  chmodSync(join(folder, program), 0o755)
}

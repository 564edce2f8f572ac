// `npm run web`: the web app in web/dist, with compressed copies beside each file. Does nothing where what is there is of these very sources.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const pathTo = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url))
const target = pathTo('web/dist')
const stampFile = join(target, '.stamp')

const stamp = stampOf(['web', 'react', 'credits', 'package-lock.json'])
if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) console.log('web app: as built before')
else {
  const startedAtMs = Date.now()
  // Whoever builds it: under NODE_ENV=test React would bring its tools for developers
  process.env['NODE_ENV'] = 'production'
  const [{ build }, { default: react }] = await Promise.all([import('vite'), import('@vitejs/plugin-react')])
  await build({
    configFile: false,
    root: pathTo('web'),
    logLevel: 'warn',
    plugins: [react()],
    build: {
      outDir: target,
      emptyOutDir: true,
      target: 'baseline-widely-available',
      // Nothing inline: pages allow no code and no style in themselves
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
  })
  const files = filesIn(target).filter((file) => /\.(js|css|html|svg|json)$/.test(file))
  for (const file of files) {
    const content = readFileSync(file)
    writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }))
    writeFileSync(`${file}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }))
  }
  writeFileSync(stampFile, stamp)
  console.log(`web app: built in ${((Date.now() - startedAtMs) / 1000).toFixed(1)} s`)
}

function stampOf(sources: readonly string[]): string {
  const hash = createHash('sha256')
  for (const file of sources.flatMap((source) => filesIn(pathTo(source)))) hash.update(file).update(readFileSync(file))
  return hash.digest('hex')
}

function filesIn(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && (path === target || !entry.parentPath.startsWith(target)))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
}

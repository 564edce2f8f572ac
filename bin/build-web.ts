// `npm run web`: the web app in web/dist, with compressed copies beside each file. Does nothing where what is there is of these very sources.
// With --pseudo, into .tollgate/web-pseudo: each word accented and longer than in English, as it may be in another language.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Plugin } from 'vite'
import { pseudoMessages } from './pseudo-locale.ts'

const pathTo = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url))
const isPseudo = process.argv.includes('--pseudo')
const built = pathTo('web/dist')
const target = isPseudo ? pathTo('.tollgate/web-pseudo') : built
const pseudoLocale: Plugin = {
  name: 'pseudo-locale',
  enforce: 'pre',
  transform: (code, id) => (id.endsWith('/en.json') ? JSON.stringify(pseudoMessages(JSON.parse(code))) : undefined),
}

const stampFile = join(target, '.stamp')

const stamp = stampOf(['web', 'react', 'credits', 'package-lock.json', ...(isPseudo ? ['bin/pseudo-locale.ts'] : [])])
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
    plugins: [react(), ...(isPseudo ? [pseudoLocale] : [])],
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
    .filter((entry) => entry.isFile() && (path === target || !entry.parentPath.startsWith(built)))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
}

// Set-up for `npm start` and `npm test`: installs the npm packages and finds or gets the programs that Tollgate runs on.
// It runs before anything is installed, on whatever Node there is, so it may import nothing but Node.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheFolder } from './setup/cache.mjs'
import { livekit } from './setup/livekit.mjs'
import { withLock } from './setup/lock.mjs'
import { npmPackages } from './setup/npm-packages.mjs'
import { chromium } from './setup/chromium.mjs'
import { findPart, getPart } from './setup/obtain.mjs'
import { postgres } from './setup/postgres.mjs'
import { prometheus } from './setup/prometheus.mjs'
import { pythonClient } from './setup/python-client.mjs'
import { redis } from './setup/redis.mjs'
import { run } from './setup/run.mjs'
import { temporal } from './setup/temporal.mjs'
import { timeSkipping } from './setup/time-skipping.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const partsFile = join(root, '.tollgate/parts.json')
const purpose = process.argv[2]
if (purpose !== 'start' && purpose !== 'test') fail('usage: node bin/setup.mjs start|test')

// An address replaces a part when the stack runs. Tests flush and kill what they use, so they always run on their own.
const parts =
  purpose === 'start'
    ? [redis, temporal].filter((part) => !process.env[part.address])
    : [redis, temporal, timeSkipping, postgres, prometheus, livekit, chromium, pythonClient]

const beganMs = Date.now()
const packages = npmPackages(root)
try {
  const found = findAll()
  if (packages.isReady() && Object.keys(found).length === parts.length) {
    save(found)
    console.log(`set-up: everything is here (${seconds(beganMs)})`)
  } else {
    const waiting = (pid) => console.log(`set-up: waiting for another set-up (process ${pid}) to finish`)
    await withLock(join(cacheFolder, 'set-up.lock'), waiting, getAll)
  }
  if (existsSync(join(root, 'web/index.html'))) {
    // By the packages' own Node: this one may be older, and reads no TypeScript
    const built = await run(join(root, 'node_modules/.bin/node'), ['bin/build-web.ts'], { cwd: root })
    console.log(`set-up: ${built.trim()}`)
  }
} catch (error) {
  fail(error.message)
}

function findAll() {
  const found = {}
  for (const part of parts) {
    const path = findPart(part)
    if (path !== undefined) found[part.variable] = path
  }
  return found
}

async function getAll() {
  const found = findAll()
  const jobs = parts.map((part) =>
    step(part, async (say) => {
      if (found[part.variable] !== undefined) return `found ${found[part.variable]}`
      found[part.variable] = await getPart(part, say)
      return `ready in ${found[part.variable]}`
    }),
  )
  jobs.push(
    step(packages, async (say) => {
      if (packages.isReady()) return 'unchanged'
      await packages.get(say)
      return 'installed'
    }),
  )
  const failures = (await Promise.all(jobs)).filter((failure) => failure !== undefined)
  if (failures.length > 0) throw new Error(failures.join('\n'))
  save(found)
}

// Resolves with the words of a failure, so that the other steps are finished and cached before the set-up gives up.
async function step({ name, help }, work) {
  const startedMs = Date.now()
  let doing = ''
  const tell = (words) => console.log(`set-up: ${name}: ${words}`)
  const progress = setInterval(() => tell(`still ${doing} (${seconds(startedMs)} so far)`), 30_000)
  try {
    const outcome = await work((words) => tell((doing = words)))
    tell(`${outcome} (${seconds(startedMs)})`)
  } catch (error) {
    return `${name} could not be set up.\n${error.message}\nThis would help:\n  ${help}\n`
  } finally {
    clearInterval(progress)
  }
}

function save(found) {
  const text = `${JSON.stringify({ ...known(), ...found }, null, 2)}\n`
  if (existsSync(partsFile) && readFileSync(partsFile, 'utf8') === text) return
  mkdirSync(join(root, '.tollgate'), { recursive: true })
  writeFileSync(partsFile, text)
}

// `start` needs fewer parts than `test` and leaves the others as they were found.
function known() {
  try {
    return JSON.parse(readFileSync(partsFile, 'utf8'))
  } catch {
    return {}
  }
}

function seconds(sinceMs) {
  return `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`
}

function fail(message) {
  console.error(`set-up: ${message}`)
  process.exit(1)
}

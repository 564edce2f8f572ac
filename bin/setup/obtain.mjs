import { spawnSync } from 'node:child_process'
import { cacheFolder, fill } from './cache.mjs'
import { isProgram } from './run.mjs'

/** What is here already: named in the environment, on this machine, or in the cache. Undefined when it has to be fetched. */
export function findPart(part) {
  const named = process.env[part.variable]
  if (named) {
    if (!isProgram(named)) throw new Error(`${part.variable} names ${named}, which is no program that can be run`)
    return named
  }
  const cached = `${part.folder ?? cacheFolder}/${part.cachedAs}`
  return part.find() ?? (runs(part, `${cached}/${part.program}`) ? `${cached}/${part.program}` : undefined)
}

/** Tries the ways to get a part in their order, and says each; the error names what was tried and what would help. */
export async function getPart(part, say) {
  const folder = `${part.folder ?? cacheFolder}/${part.cachedAs}`
  const failures = []
  for (const way of part.ways) {
    if (!way.possible()) continue
    say(way.says)
    try {
      await fill(folder, way.get)
      const path = part.find() ?? `${folder}/${part.program}`
      if (!runs(part, path)) throw new Error(`it brought no ${part.program} that runs`)
      return path
    } catch (error) {
      const failure = `${way.says}: ${error.cause?.message ?? error.message}`
      say(`did not work: ${failure}`)
      failures.push(failure)
    }
  }
  throw new Error(failures.join('\n') || 'there is no way to get it here')
}

/** An unpacked program may lack a library, which shows when it is started. */
function runs({ tryWith }, path) {
  return isProgram(path) && (tryWith === undefined || spawnSync(path, tryWith, { stdio: 'ignore' }).status === 0)
}

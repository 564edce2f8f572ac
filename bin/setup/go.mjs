import { findProgram, run } from './run.mjs'

/** Go, where there is one. Its own installer leaves it off PATH. */
export function findGo() {
  return findProgram('go', ['/usr/local/go/bin'])
}

/** Builds a program from its source, `path@version`, into a folder. */
export function buildWithGo(source, folder) {
  return run(findGo(), ['install', source], { env: { GOBIN: folder } })
}

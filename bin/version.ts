import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'

/** Tollgate's own version. */
export function version(): string {
  // Found, not named: built code lies a folder deeper.
  const { version } = JSON.parse(readFileSync(findPackageJSON(import.meta.url)!, 'utf8')) as { version: string }
  return version
}

import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const execute = promisify(execFile)
export const root = fileURLToPath(new URL('../..', import.meta.url))

/** What a program printed. Rejects with all of it when it fails. */
export async function run(cwd: string, program: string, ...args: string[]): Promise<string> {
  try {
    return (await execute(program, args, { cwd, maxBuffer: 64e6 })).stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${program} ${args.join(' ')} failed\n${stdout}\n${stderr}`, { cause: error })
  }
}

/** A program of this repository's packages. */
export const programOf = (name: string): string => join(root, 'node_modules/.bin', name)

/** Packs the package as `npm publish` would, its build included: the path of the tarball. */
export async function pack(folder: string): Promise<string> {
  const printed = await run(root, 'npm', 'pack', '--silent', '--pack-destination', folder)
  return join(folder, printed.trim().split('\n').at(-1)!)
}

/**
 * A project with the tarball installed by npm, without a network: the packages that the tarball says it needs, and no others, are there already as links to this
 * repository's. One that is missing among its dependencies is missing here, too.
 */
export async function emptyProject(folder: string, tarball: string): Promise<void> {
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'customer', private: true, type: 'module' }))
  const manifest = JSON.parse(await run(folder, 'tar', '-xzOf', tarball, 'package/package.json')) as Manifest
  for (const name of Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) link(folder, name)
  await run(folder, 'npm', 'install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', tarball)
  // The customer's own, for the type checker
  link(folder, '@types/node')
  cpSync(fileURLToPath(new URL('./customer', import.meta.url)), folder, { recursive: true })
}

/** What the package can work with and does not need: npm leaves it to the customer. */
export function addOptionalPeers(folder: string): void {
  for (const name of Object.keys(manifestOfRepository().peerDependenciesMeta)) link(folder, name)
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies: Readonly<Record<string, string>>
  readonly peerDependenciesMeta: Readonly<Record<string, object>>
  readonly exports: Readonly<Record<string, string | object>>
}

function manifestOfRepository(): Manifest {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
}

function link(folder: string, name: string): void {
  const path = join(folder, 'node_modules', name)
  mkdirSync(dirname(path), { recursive: true })
  symlinkSync(join(root, 'node_modules', name), path)
}

/** The subpaths of the package that are code. */
export function codeSubpaths(): string[] {
  const { exports } = manifestOfRepository()
  return Object.keys(exports).filter((subpath) => typeof exports[subpath] === 'object')
}

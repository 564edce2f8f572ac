import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { partPath } from '../../bin/parts.ts'
import { type Child, startChild } from '../../bin/stack/child.ts'
import { unprivilegedUser } from '../stack/postgres.ts'
import { type ComposeFile, root } from './compose-file.ts'

/** What stands in for Docker: where each service's port is, and a folder for its files. */
export interface Outside {
  readonly compose: ComposeFile
  /** `service:port` as containers name it → a port of this machine. */
  readonly ports: Readonly<Record<string, number>>
  readonly folder: string
}

/** What the images bring: the program, and how it is told to listen where this machine has room, which in a container is the image's default. */
const images: Record<string, (outside: Outside, command: readonly string[]) => { program: string; args: string[] }> = {
  redis: ({ ports, folder }, [, ...args]) => ({
    program: partPath('REDIS_SERVER'),
    args: [...args, '--port', String(ports['redis:6379']), '--bind', '127.0.0.1', '--dir', folderOf(folder, 'redis')],
  }),
  postgres: ({ ports, folder }, [, ...args]) => ({
    program: partPath('POSTGRES'),
    args: [
      '-D',
      join(folder, 'postgres/data'),
      '-p',
      String(ports['postgres:5432']),
      '-c',
      'unix_socket_directories=',
      ...args,
    ],
  }),
  temporal: ({ ports }, args) => ({
    program: partPath('TEMPORAL_CLI'),
    args: [...args, '--port', String(ports['temporal:7233']), '--ui-port', String(ports['temporal:8233'])],
  }),
  prometheus: ({ ports }, args) => ({
    program: partPath('PROMETHEUS'),
    args: [...args, `--web.listen-address=127.0.0.1:${ports['prometheus:9090']}`],
  }),
  gateway: (_, [, ...args]) => ({ program: process.execPath, args }),
  worker: (_, [, ...args]) => ({ program: process.execPath, args }),
}

/** Runs a service's own command with its own environment; only addresses and the places of its files are this machine's. */
export async function startOutside(outside: Outside, service: string, isReady: () => Promise<boolean>): Promise<Child> {
  const { command = [], environment = {} } = outside.compose.services[service]!
  const { program, args } = images[service]!(
    outside,
    command.map((word) => translated(outside, service, word)),
  )
  const user = service === 'postgres' ? initPostgres(outside, environment) : undefined
  return startChild({
    command: program,
    args,
    port: portOf(outside, service),
    env: environmentOf(outside, service),
    isReady,
    readyWithinMs: 90_000,
    ...(service === 'postgres' ? { stopSignal: 'SIGINT' as const } : {}),
    ...(user === undefined ? {} : { user }),
  })
}

/** The health check of a service, run as Docker runs it. Throws when it fails. */
export function checkHealth(outside: Outside, service: string): void {
  const [kind, program, ...args] = outside.compose.services[service]!.healthcheck!.test
  if (kind !== 'CMD' || program !== 'node') throw new Error(`not a check that can run here: ${kind} ${program}`)
  execFileSync(
    process.execPath,
    args.map((word) => translated(outside, service, word)),
    { stdio: 'pipe' },
  )
}

function environmentOf(outside: Outside, service: string): Record<string, string> {
  const { environment = {} } = outside.compose.services[service]!
  const port = portOf(outside, service)
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      /^(WORKER_)?PORT$/.test(name) ? String(port) : translated(outside, service, String(value)),
    ]),
  )
}

function portOf({ ports }: Outside, service: string): number {
  return Object.entries(ports).find(([name]) => name.startsWith(`${service}:`))![1]
}

/** Hosts, listening addresses and paths of the container, as they are on this machine. */
function translated(outside: Outside, service: string, text: string): string {
  const { compose, ports, folder } = outside
  let result = text.replace('0.0.0.0', '127.0.0.1')
  for (const [name, port] of Object.entries(ports)) {
    result = result.replaceAll(name, `127.0.0.1:${port}`)
    if (name.startsWith(`${service}:`))
      result = result.replaceAll(name.replace(/^.*:/, '127.0.0.1:'), `127.0.0.1:${port}`)
  }
  const sources = new Map(mountsOf(compose, service).map(({ source, target }) => [target, source]))
  return result.replace(/(?<=^|=)\/[^ ]*/, (path) => {
    const target = [...sources.keys()].find((each) => path === each || path.startsWith(`${each}/`))
    if (target === undefined) return path
    const source = sources.get(target)!
    if (source.startsWith('.')) for (const mount of mountsOf(compose, service)) mountFile(outside, mount, service)
    else mkdirSync(join(folder, service, target), { recursive: true })
    return join(folder, service, path)
  })
}

function mountsOf(compose: ComposeFile, service: string) {
  return (compose.services[service]!.volumes ?? []).map((volume) => {
    const [source, target] = volume.split(':') as [string, string]
    return { source, target }
  })
}

/** A copy, since a configuration names hosts too. */
function mountFile(outside: Outside, { source, target }: { source: string; target: string }, service: string): void {
  if (!source.startsWith('.')) return
  let text = readFileSync(join(root, source), 'utf8')
  for (const [name, port] of Object.entries(outside.ports)) text = text.replaceAll(name, `127.0.0.1:${port}`)
  const here = join(outside.folder, service, target)
  mkdirSync(dirname(here), { recursive: true })
  writeFileSync(here, text)
}
function folderOf(folder: string, name: string): string {
  const path = join(folder, name)
  mkdirSync(path, { recursive: true })
  return path
}

/** What the image's entry point does before its first start: an empty cluster with this user, password and database. */
function initPostgres(outside: Outside, environment: Readonly<Record<string, string | number>>) {
  const { POSTGRES_USER: user, POSTGRES_PASSWORD: password, POSTGRES_DB: database } = environment
  const folder = folderOf(outside.folder, 'postgres')
  const owner = unprivilegedUser()
  if (owner !== undefined) chownSync(folder, owner.uid, owner.gid)
  const secret = join(folder, 'password')
  writeFileSync(secret, String(password), { mode: 0o644 })
  const data = join(folder, 'data')
  const flags = ['-D', data, '--username', String(user), '--pwfile', secret, '--auth', 'scram-sha-256', '--no-sync']
  execFileSync(join(dirname(partPath('POSTGRES')), 'initdb'), flags, { cwd: folder, stdio: 'pipe', ...owner })
  execFileSync(partPath('POSTGRES'), ['--single', '-D', data, 'postgres'], {
    cwd: folder,
    input: `create database ${String(database)}\n`,
    stdio: 'pipe',
    ...owner,
  })
  rmSync(secret)
  return owner
}

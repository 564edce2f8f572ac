import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, rootPrefix, run } from './run.mjs'

export const hasApt = () => findProgram('apt-get') !== undefined && findProgram('dpkg') !== undefined

/**
 * Unpacks a Debian package, and what it needs that this machine lacks, into a folder: no root, no service started,
 * nothing else on the machine changed.
 */
export async function unpackDebian(packageName, folder) {
  const work = join(folder, 'apt')
  mkdirSync(join(work, 'lists/partial'), { recursive: true })
  mkdirSync(join(work, 'archives/partial'), { recursive: true })
  const settings = join(work, 'apt.conf')
  writeFileSync(
    settings,
    `Dir::State::Lists "${work}/lists";\nDir::Cache "${work}";\nDebug::NoLocking "true";\nAPT::Sandbox::User "";\n`,
  )
  const apt = (...args) => run('apt-get', args, { cwd: work, env: { APT_CONFIG: settings, LC_ALL: 'C' } })
  // Images often clean up after an update in ways that need root; whether it worked shows in the next command.
  await apt('-q', 'update').catch(() => {})
  const plan = await apt('install', '--simulate', '--no-install-recommends', packageName)
  const names = [...plan.matchAll(/^Inst (\S+)/gm)].map((match) => match[1])
  await apt('-q', 'download', ...names)
  for (const archive of readdirSync(work).filter((name) => name.endsWith('.deb'))) {
    await run('dpkg', ['-x', join(work, archive), folder])
  }
  rmSync(work, { recursive: true, force: true })
}

/** A script that starts an unpacked program with the libraries that were unpacked beside it. */
export function writeLauncher(folder, name, program) {
  const script = [
    '#!/bin/sh',
    'here=$(cd "$(dirname "$0")/.." && pwd)',
    // Some packages keep libraries of their own in a folder of their own
    'for libraries in "$here"/usr/lib/*-linux-*/pulseaudio "$here"/usr/lib/*-linux-* "$here"/lib/*-linux-*; do',
    '  LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"',
    'done',
    'export LD_LIBRARY_PATH',
    `exec "$here/${program}" "$@"`,
  ].join('\n')
  mkdirSync(join(folder, 'bin'), { recursive: true })
  writeFileSync(join(folder, 'bin', name), `${script}\n`)
  chmodSync(join(folder, 'bin', name), 0o755)
}

/** Installs Debian packages for the whole machine; only root can. */
export async function installDebian(...names) {
  const prefix = rootPrefix()
  if (prefix === undefined) throw new Error('installing needs root, and there is no sudo')
  const [command, ...args] = [...prefix, 'apt-get']
  // Whoever else installs something has the lock for a while
  const patient = ['-q', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Acquire::Retries=3']
  await run(command, [...args, ...patient, 'update'])
  await run(command, [...args, ...patient, 'install', '-y', '--no-install-recommends', ...names], {
    env: { DEBIAN_FRONTEND: 'noninteractive' },
  })
}

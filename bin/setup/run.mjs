import { spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Runs a command to its end and gives what it printed; a failure carries the command and its last lines. */
export function run(command, args, { cwd, env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    let printed = ''
    let complained = ''
    child.stdout.on('data', (chunk) => (printed += chunk))
    child.stderr.on('data', (chunk) => (complained += chunk))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(printed)
      const lastLines = `${printed}\n${complained}`.trim().split('\n').slice(-6).join('\n')
      reject(new Error(`\`${[command, ...args].join(' ')}\` ended with ${signal ?? code}\n${lastLines}`))
    })
  })
}

/** The path of a program on PATH or in one of the folders, or undefined. */
export function findProgram(name, folders = []) {
  const places = [...(process.env.PATH ?? '').split(delimiter), ...folders].filter((place) => place !== '')
  return places.map((place) => join(place, name)).find(isProgram)
}

export function isProgram(path) {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** How to become root without being asked for a password: the words before the command, or undefined. */
export function rootPrefix() {
  if (process.getuid?.() === 0) return []
  return findProgram('sudo') ? ['sudo', '-n'] : undefined
}

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Nothing else of this process' environment: a program finds only what its test gives it. */
const inherited = () =>
  Object.fromEntries(['PATH', 'HOME', 'NODE_COMPILE_CACHE'].map((name) => [name, process.env[name]]))

export interface Program {
  readonly pid: number
  /** Everything it has printed so far. */
  output(): string
  /** Resolves once it has printed a line that matches; rejects when it ends before, with what it printed. */
  printed(pattern: RegExp): Promise<RegExpExecArray>
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
  signal(signal: NodeJS.Signals): void
}

/** Runs one of bin/'s programs as a user would, from the root of the checkout unless told otherwise. */
export function runProgram(
  file: string,
  environment: Readonly<Record<string, string>>,
  cwd = root,
  args: readonly string[] = [],
): Program {
  const child = spawn(process.execPath, [fileURLToPath(new URL(`../../${file}`, import.meta.url)), ...args], {
    cwd,
    env: { ...inherited(), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  const watchers = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      for (const watch of watchers) watch()
    })
  }
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal ?? 0))
  })
  return {
    pid: child.pid!,
    output: () => text,
    ended,
    signal: (signal) => child.kill(signal),
    printed: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(text)
          if (match === null) return
          watchers.delete(look)
          resolve(match)
        }
        watchers.add(look)
        look()
        void ended.then((code) => reject(new Error(`${file} ended (${code}) and never printed ${pattern}:\n${text}`)))
      }),
  }
}

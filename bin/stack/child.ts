import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from './free-port.ts'

export interface Child {
  readonly pid: number
  /** Asks the process to end and waits until it has; after ten seconds it is killed. May be repeated. */
  readonly stop: () => Promise<void>
  /** Kills the process at once, as a crash would, and waits until it is gone. */
  readonly kill: () => Promise<void>
  /** Resolves when the process has ended, for whatever reason. */
  readonly ended: Promise<void>
}

export interface ChildOptions {
  readonly command: string
  readonly args: readonly string[]
  /** The port it will listen on; somebody else's server there would otherwise pass for a ready one. */
  readonly port: number
  readonly env?: Readonly<Record<string, string>>
  /** The user to run as, for programs that refuse to be root. */
  readonly user?: { readonly uid: number; readonly gid: number }
  /** SIGTERM unless the program wants another signal for an orderly end. */
  readonly stopSignal?: NodeJS.Signals
  readonly readyWithinMs?: number
  /** Throws or answers false until the process can be used. */
  readonly isReady: () => Promise<boolean>
}

const stopWithinMs = 10_000
const probeEveryMs = 50

/** Starts a program and resolves when it is ready. It ends with this process at the latest, even when this one is killed. */
export async function startChild(options: ChildOptions): Promise<Child> {
  if ((await freePort(options.port)) !== options.port) throw new Error(`port ${options.port} is taken`)
  // In a process group of its own: Ctrl-C reaches us alone, and we end the children in the order that loses nothing.
  const child = spawn(options.command, options.args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.env === undefined ? {} : { env: { ...process.env, ...options.env } }),
    ...options.user,
  })
  const lastWords = keepLastWords(child)
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()).once('error', () => resolve()))
  const { pid } = child
  if (pid === undefined) throw new Error(`${options.command} could not be started`)
  const guard = guardAgainstOrphans(pid)
  void ended.then(() => guard.kill('SIGKILL'))

  const kill = async () => {
    child.kill('SIGKILL')
    await ended
  }
  const stop = async () => {
    child.kill(options.stopSignal ?? 'SIGTERM')
    const killer = setTimeout(() => child.kill('SIGKILL'), stopWithinMs)
    await ended
    clearTimeout(killer)
  }
  try {
    await untilReady(child, options)
  } catch (error) {
    await kill()
    throw new Error(`${options.command} did not get ready\n${lastWords()}`, { cause: error })
  }
  return { pid, stop, kill, ended }
}

async function untilReady(child: ChildProcess, { isReady, readyWithinMs = 30_000 }: ChildOptions): Promise<void> {
  const deadline = Date.now() + readyWithinMs
  let lastError: unknown
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('it ended')
    try {
      if (await isReady()) return
    } catch (error) {
      lastError = error
    }
    await pause(probeEveryMs)
  }
  throw new Error(`it did not answer within ${readyWithinMs} ms`, { cause: lastError })
}

// The guard's standard input is a pipe that closes when this process dies, however it dies; it then ends the child.
function guardAgainstOrphans(pid: number): ChildProcess {
  const script = 'read _; kill -TERM $0; for i in 1 2 3 4 5; do sleep 1; kill -0 $0 || exit; done; kill -KILL $0'
  const guard = spawn('sh', ['-c', script, String(pid)], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  guard.unref()
  guard.stdin?.on('error', () => {})
  return guard
}

function keepLastWords(child: ChildProcess): () => string {
  let words = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      words = (words + chunk).slice(-4_000)
    })
  }
  return () => words.trim()
}

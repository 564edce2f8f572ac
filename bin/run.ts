import { StartError } from './settings.ts'

/** What a process is while it runs: `ended` resolves when it must go by itself, `close` lets it go in good order. */
export interface Running {
  readonly ended?: Promise<void>
  close(): Promise<void>
}

/**
 * Runs a process until it is told to end (Ctrl-C, SIGTERM) or a part of it ends. A second signal ends it at once. The start hears of the first one, too:
 * it may be waiting for something.
 * What keeps it from starting is printed as one message, not as a stack.
 */
export async function run(start: (stopped: AbortSignal) => Promise<Running>): Promise<void> {
  let stopping = false
  const stopped = new AbortController()
  const asked = new Promise<void>((resolve) => {
    const onSignal = () => {
      if (stopping) process.exit(130)
      stopping = true
      stopped.abort()
      resolve()
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
  try {
    const running = await start(stopped.signal)
    await Promise.race([asked, running.ended ?? asked])
    await running.close()
    process.exit(stopping ? 0 : 1)
  } catch (error) {
    if (stopping) process.exit(0)
    if (!isExpected(error)) throw error
    process.stderr.write(`tollgate cannot start (${error.code})\n${error.message}\n`)
    process.exit(1)
  }
}

/** Errors with a stable code are for people; anything else is a bug and keeps its stack. */
function isExpected(error: unknown): error is Error & { readonly code: string } {
  return error instanceof StartError || (error instanceof Error && error.name === 'JournalNotOpened')
}

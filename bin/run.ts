import { StartError } from './settings.ts'

/** What a process is while it runs: `ended` resolves when it must go by itself, `close` lets it go in good order. */
export interface Running {
  readonly ended?: Promise<void>
  close(): Promise<void>
}

/**
 * Runs a process until it is told to end (Ctrl-C, SIGTERM) or a part of it ends. A second signal ends it at once.
 * What keeps it from starting is printed as one message, not as a stack.
 */
export async function run(start: (stopping: AbortSignal) => Promise<Running>): Promise<void> {
  const stopping = new AbortController()
  const asked = new Promise<void>((resolve) => {
    const onSignal = () => {
      if (stopping.signal.aborted) process.exit(130)
      stopping.abort(new Error('asked to stop'))
      resolve()
    }
    process.on('SIGINT', onSignal)
    process.on('SIGTERM', onSignal)
  })
  try {
    const running = await start(stopping.signal)
    await Promise.race([asked, running.ended ?? asked])
    await running.close()
    process.exit(stopping.signal.aborted ? 0 : 1)
  } catch (error) {
    if (stopping.signal.aborted) process.exit(0)
    if (!isExpected(error)) throw error
    process.stderr.write(`tollgate cannot start (${error.code})\n${error.message}\n`)
    process.exit(1)
  }
}

/** Errors with a stable code are for people; anything else is a bug and keeps its stack. */
function isExpected(error: unknown): error is Error & { readonly code: string } {
  return error instanceof StartError || (error instanceof Error && error.name === 'JournalNotOpened')
}

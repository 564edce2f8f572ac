import type { RunScript } from './scripts.ts'

/**
 * Nobody waits for a settlement: while another call is unanswered it is held back, and goes with the next one that cannot wait, or when all are
 * answered (Nagle's rule). Under load each write then carries several calls, and so does each read of Redis; an idle connection sends at once.
 */
export function holdBack(run: RunScript): RunScript {
  let unanswered = 0
  let heldBack: (() => void)[] = []
  const sendHeldBack = (): void => {
    const ready = heldBack
    heldBack = []
    for (const send of ready) send()
  }
  return async (operation, keys, args) => {
    if (operation === 'settle' && unanswered > 0) await new Promise<void>((resolve) => heldBack.push(resolve))
    else if (heldBack.length > 0) sendHeldBack()
    unanswered += 1
    try {
      return await run(operation, keys, args)
    } finally {
      unanswered -= 1
      if (unanswered === 0 && heldBack.length > 0) sendHeldBack()
    }
  }
}

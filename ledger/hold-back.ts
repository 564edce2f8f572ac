import type { RunScript } from './scripts.ts'

/**
 * Nobody waits for a settlement: while another call is unanswered it is held back, and goes right before the next one that cannot wait, or when all are
 * answered (Nagle's rule). Under load each write then carries several calls, and so does each read of Redis; an idle connection sends at once. The order is kept: a
 * call finds what was settled before it.
 */
export function holdBack(run: RunScript): RunScript {
  let unanswered = 0
  let heldBack: (() => void)[] = []
  const sendHeldBack = (): void => {
    const ready = heldBack
    heldBack = []
    for (const send of ready) send()
  }
  const send: RunScript = async (...call) => {
    unanswered += 1
    try {
      return await run(...call)
    } finally {
      unanswered -= 1
      if (unanswered === 0) sendHeldBack()
    }
  }
  return (...call) => {
    if (call[0] === 'settle' && unanswered > 0)
      return new Promise((resolve) => heldBack.push(() => resolve(send(...call))))
    sendHeldBack()
    return send(...call)
  }
}

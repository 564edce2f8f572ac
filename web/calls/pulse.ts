/**
 * Calls back at once and then regularly, also in a tab that nobody looks at: there browsers let timers of pages run once a minute, and a call would end by itself. Those of workers go on. Answers how to stop it.
 */
export function startPulse(onBeat: () => void): () => void {
  const worker = new Worker(new URL('./pulse-worker.ts', import.meta.url), { type: 'module' })
  worker.addEventListener('message', onBeat)
  onBeat()
  return () => worker.terminate()
}

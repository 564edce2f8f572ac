/**
 * Ends what is done for one call before it is over. An AbortController would do; but its signal is an event target with tables of its own, which costs a
 * call more than its price and its receipt do together.
 */
export class Cancellation {
  #reason: Error | null = null
  #listeners: (() => void)[] = []

  /** null while nothing is cancelled. */
  get reason(): Error | null {
    return this.#reason
  }

  /** Once: what comes later changes nothing. */
  cancel(reason: string): void {
    if (this.#reason !== null) return
    this.#reason = new Error(reason)
    for (const listener of this.#listeners.splice(0)) listener()
  }

  /** Runs `listener` when it is cancelled after this. */
  onCancel(listener: () => void): void {
    this.#listeners.push(listener)
  }

  throwIfCancelled(): void {
    if (this.#reason !== null) throw this.#reason
  }
}

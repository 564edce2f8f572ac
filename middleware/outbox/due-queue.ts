/** First in, first out: what everybody has waited for equally long is due in the order in which it came. */
export class DueQueue<T> {
  readonly #waitMs: number
  #items: { readonly item: T; readonly dueMs: number }[] = []
  #head = 0

  constructor(waitMs: number) {
    this.#waitMs = waitMs
  }

  push(item: T, nowMs: number): void {
    this.#items.push({ item, dueMs: nowMs + this.#waitMs })
  }

  /** Takes what is due out of the queue, `most` at most. */
  take(nowMs: number, most: number): T[] {
    const taken: T[] = []
    while (taken.length < most && this.#head < this.#items.length && this.#items[this.#head]!.dueMs <= nowMs) {
      taken.push(this.#items[this.#head]!.item)
      this.#head += 1
    }
    if (this.#head > 1_000 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return taken
  }
}

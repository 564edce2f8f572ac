/** Asks until `look` finds something. The limit only keeps a broken program from hanging the run. */
export async function until<T>(look: () => Promise<T | undefined | false>, withinMs = 30_000): Promise<T> {
  const endMs = Date.now() + withinMs
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (Date.now() > endMs) throw new Error(`not within ${withinMs} ms: ${look.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

interface Line {
  readonly atMs: number
  readonly accountId: string | undefined
  readonly id: string | undefined
  readonly text: string
}

/** What happened, in plain sentences. Nothing is written unless somebody wants to read it. */
export interface Story {
  tell(about: { readonly accountId?: string; readonly id?: string }, text: () => string): void
  /** The lines that concern an account, or an id and what happened to its account as a whole. */
  lines(about: { readonly accountId?: string | undefined; readonly id?: string | undefined }): readonly string[]
}

export function createStory(wanted: boolean, nowMs: () => number): Story {
  const told: Line[] = []
  return {
    tell(about, text) {
      if (wanted) told.push({ atMs: nowMs(), accountId: about.accountId, id: about.id, text: text() })
    },
    lines({ accountId, id }) {
      return told
        .filter((line) => line.accountId === undefined || accountId === undefined || line.accountId === accountId)
        .filter((line) => line.id === undefined || id === undefined || line.id === id)
        .map((line) => `${clockOf(line.atMs)}  ${line.text}`)
    },
  }
}

/** Minutes, seconds and ms since the run began. */
function clockOf(ms: number): string {
  const minutes = String(Math.floor(ms / 60_000)).padStart(2, '0')
  return `${minutes}:${String(Math.floor((ms % 60_000) / 1000)).padStart(2, '0')}.${String(Math.floor(ms % 1000)).padStart(3, '0')}`
}

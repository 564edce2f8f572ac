/** The connected apps of the demonstration: they do nothing, and say that they have done it. */
export const apps = {
  async calendar(): Promise<string> {
    return 'Calendar: 10:00 planning with the team, 14:30 call with a customer.'
  },
  async mail(action: string): Promise<string> {
    return `Mail: sent (${action.length} characters).`
  },
} satisfies Record<string, (action: string) => Promise<string>>

export type AppName = keyof typeof apps

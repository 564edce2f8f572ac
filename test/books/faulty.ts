import type { Random } from '../model/random.ts'

type Call = (...args: never[]) => Promise<unknown>

/** The same part on a bad day: calls are lost on their way, their answers are lost on the way back, or they arrive twice. */
export function faulty<Part extends object>(
  part: Part,
  {
    random,
    chance,
    lost,
  }: { readonly random: Random; readonly chance: number; readonly lost: (what: string) => Error },
): Part {
  return new Proxy(part, {
    get(target, name, receiver) {
      const value: unknown = Reflect.get(target, name, receiver)
      if (typeof value !== 'function') return value
      const call = value as Call
      return async (...args: never[]) => {
        const fate = random.next() / chance
        if (fate < 1) throw lost(`${String(name)} was lost on its way`)
        const answer = await call(...args)
        if (fate < 2) throw lost(`the answer of ${String(name)} was lost`)
        return fate < 3 ? call(...args) : answer
      }
    },
  })
}

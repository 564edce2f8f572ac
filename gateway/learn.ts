import { LRUCache } from 'lru-cache'

/** Before anything is known: fewer bytes per token than any common text has, so that the first estimates are too high rather than too low. */
const priorBytesPerToken = 3
/** More than common text has: what a dead gateway's first calls are charged is too low rather than too high. */
const priorMostBytesPerToken = 8
/** Output that is billed and not shown makes visible text look dense; below this it is no longer an estimate of anything. */
const leastBytesPerToken = 0.25
const remembered = 128
/** Below this many samples a quantile says little. */
const enough = 8

export interface Learned {
  /** A settled call that reported its usage. `outputBytes` 0 when the output was not seen as text. */
  learn(
    modelId: string,
    call: {
      readonly inputBytes: number
      readonly inputTokens: number
      readonly outputBytes: number
      readonly outputTokens: number
      /** It billed reasoning that it did not show. */
      readonly hidReasoning?: boolean
    },
  ): void
  /** On the safe side: nine of ten recent calls had more. */
  inputBytesPerToken(modelId: string): number
  outputBytesPerToken(modelId: string): number
  /** The other side: no recent call had more. Infinity for an input that nothing is known of. */
  mostInputBytesPerToken(modelId: string): number
  mostOutputBytesPerToken(modelId: string): number
  /** Whether the model was ever seen to bill reasoning without showing it: its streams cannot be cut at the right moment. */
  hidesReasoning(modelId: string): boolean
  /** Of recent answers; undefined while too few are known. */
  outputTokens(modelId: string): { readonly median: number; readonly p90: number; readonly samples: number } | undefined
}

/** What settled calls teach about models. In memory, bounded, gone after a restart: a few calls bring it back. */
export function createLearned(maxModels = 500): Learned {
  const models = new LRUCache<string, { input: Ring; output: Ring; tokens: Ring; hidesReasoning: boolean }>({
    max: maxModels,
  })
  const of = (id: string) => {
    const known = models.get(id)
    if (known !== undefined) return known
    const fresh = { input: createRing(), output: createRing(), tokens: createRing(), hidesReasoning: false }
    models.set(id, fresh)
    return fresh
  }
  const safe = (ring: Ring | undefined): number => {
    const low = ring?.quantile(0.1)
    return low === undefined ? priorBytesPerToken : Math.max(leastBytesPerToken, low * 0.95)
  }
  return {
    learn(id, { inputBytes, inputTokens, outputBytes, outputTokens, hidReasoning = false }) {
      const model = of(id)
      model.hidesReasoning ||= hidReasoning
      if (inputTokens > 0 && inputBytes > 0) model.input.add(inputBytes / inputTokens)
      // A few tokens tell nothing about the ratio.
      if (outputTokens >= 8 && outputBytes > 0) model.output.add(outputBytes / outputTokens)
      model.tokens.add(outputTokens)
    },
    inputBytesPerToken: (id) => safe(models.get(id)?.input),
    outputBytesPerToken: (id) => safe(models.get(id)?.output),
    mostInputBytesPerToken: (id) => models.get(id)?.input.quantile(1) ?? Number.POSITIVE_INFINITY,
    mostOutputBytesPerToken: (id) => models.get(id)?.output.quantile(1) ?? priorMostBytesPerToken,
    hidesReasoning: (id) => models.get(id)?.hidesReasoning ?? false,
    outputTokens(id) {
      const tokens = models.get(id)?.tokens
      const median = tokens?.quantile(0.5)
      const p90 = tokens?.quantile(0.9)
      return tokens === undefined || median === undefined || p90 === undefined
        ? undefined
        : { median, p90, samples: tokens.size() }
    },
  }
}

interface Ring {
  add(value: number): void
  size(): number
  quantile(part: number): number | undefined
}

/** The latest values; sorted only when asked after a change. */
function createRing(): Ring {
  const values: number[] = []
  let next = 0
  let sorted: number[] | undefined
  return {
    add(value) {
      values[next] = value
      next = (next + 1) % remembered
      // Sorting after every call would put it on the hot path: quantiles may lag a few calls behind.
      if (values.length < 2 * enough || next % 8 === 0) sorted = undefined
    },
    size: () => values.length,
    quantile(part) {
      if (values.length < enough) return undefined
      sorted ??= values.toSorted((one, other) => one - other)
      return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]
    },
  }
}

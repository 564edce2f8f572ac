import type { Catalogue, Provider } from '../credits/catalogue.ts'
import { createOpenAiCompatible } from '../gateway/providers/openai-compatible.ts'
import { createPractice } from '../gateway/providers/practice.ts'
import type { UpstreamProvider } from '../gateway/upstream.ts'
import { systemClock } from '../middleware/clock.ts'

export interface Providers {
  /** Whether its key is set, or it needs none. */
  readonly usable: (providerId: string) => boolean
  readonly providerOf: (providerId: string) => UpstreamProvider
}

/** The catalogue's providers with the keys and addresses of this environment. */
export function createProviders(
  catalogue: Pick<Catalogue, 'providers'>,
  environment: NodeJS.ProcessEnv,
  practiceTokensPerSecond: number,
): Providers {
  const reached = new Map(
    catalogue.providers
      .filter((provider) => provider.keyEnv === '' || environment[provider.keyEnv])
      .map((provider) => [provider.id, reach(provider)]),
  )
  return {
    usable: (providerId) => reached.has(providerId),
    providerOf(providerId) {
      const provider = reached.get(providerId)
      if (provider === undefined) throw new Error(`provider ${providerId} is not usable here`)
      return provider
    },
  }

  function reach({ id, kind, baseUrl, baseUrlEnv, keyEnv }: Provider): UpstreamProvider {
    if (kind === 'practice') return createPractice({ id, tokensPerSecond: practiceTokensPerSecond, clock: systemClock })
    return createOpenAiCompatible({
      id,
      baseUrl: environment[baseUrlEnv] || baseUrl,
      apiKey: environment[keyEnv] ?? '',
      // OpenAI's own models refuse `max_tokens`; most others know nothing else.
      outputLimitField: id === 'openai' ? 'max_completion_tokens' : 'max_tokens',
    })
  }
}

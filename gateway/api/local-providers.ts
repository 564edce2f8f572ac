import type { Catalogue } from '../../credits/catalogue.ts'

/** Ids of the providers whose models run on the company's own machines: their tokens cost nothing. */
export function localProvidersOf({ providers }: Pick<Catalogue, 'providers'>): readonly string[] {
  return providers.filter(({ kind }) => kind === 'ollama').map(({ id }) => id)
}

import type { Catalogue } from '../../credits/catalogue.ts'

/** Tells whether a model, `provider/model`, runs on the company's own machines: its tokens cost nothing. */
export function localModels({ providers }: Pick<Catalogue, 'providers'>): (model: string) => boolean {
  const local = new Set(providers.filter(({ kind }) => kind === 'ollama').map(({ id }) => id))
  return (model) => local.has(model.split('/')[0]!)
}

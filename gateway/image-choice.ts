import type { Catalogue } from '../credits/catalogue.ts'
import type { CallError } from './openai-error.ts'

/** Who makes an image. */
export interface ImageModel {
  /** Provider id. */
  readonly provider: string
  /** The name that is sent upstream. */
  readonly model: string
  /** `provider/model` */
  readonly id: string
}

export type ImageChoice =
  | { readonly ok: true; readonly models: readonly [ImageModel, ...ImageModel[]] }
  | { readonly ok: false; readonly error: CallError }

/**
 * The models that may make the images, in order: all of the catalogue's when the caller names none, else the one that is named, as `provider/model` or
 * without its provider. The practice provider is never a substitute for a real one.
 */
export function chooseImageModels(
  { images, providers }: Pick<Catalogue, 'images' | 'providers'>,
  usable: (providerId: string) => boolean,
  name: string | undefined,
): ImageChoice {
  const [first, ...others] = usableImageModels({ images }, usable)
  if (name === undefined && first !== undefined) {
    const isPractice = ({ provider }: ImageModel): boolean =>
      providers.find(({ id }) => id === provider)?.kind === 'practice'
    return { ok: true, models: [first, ...others.filter((other) => !isPractice(other))] }
  }
  const named = [first, ...others].find((each) => each?.id === name || each?.model === name)
  if (named !== undefined) return { ok: true, models: [named] }
  const known = [first, ...others].flatMap((each) => each?.id ?? [])
  const message =
    known.length === 0
      ? 'no images are made here: no provider of an image model is set up'
      : `the model '${name}' makes no images here; these do: ${known.join(', ')}`
  return { ok: false, error: { code: 'model_not_found', message, param: 'model' } }
}

/** The catalogue's image models whose providers are set up. */
export function usableImageModels(
  { images }: Pick<Catalogue, 'images'>,
  usable: (providerId: string) => boolean,
): readonly ImageModel[] {
  return images.models.map(parts).filter(({ provider }) => usable(provider))
}

/** Only the first slash separates: model names may have slashes of their own. */
function parts(id: string): ImageModel {
  const slash = id.indexOf('/')
  return { provider: id.slice(0, slash), model: id.slice(slash + 1), id }
}

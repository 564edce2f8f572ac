import { z } from 'zod'
import { modelName } from './model-name.ts'

/** What the gateway reads of a request for images. All else passes through as it came. */
export const ImageRequest = z.looseObject({
  prompt: z.string().min(1),
  model: modelName.nullish(),
  n: z.int().min(1).max(10).nullish(),
  size: z.string().nullish(),
  quality: z.string().nullish(),
  response_format: z.enum(['b64_json', 'url']).nullish(),
  // They are charged by how many were delivered, which a stream of unfinished ones does not tell.
  stream: z.literal(false, 'images are not streamed here').nullish(),
})
export type ImageRequest = z.infer<typeof ImageRequest>

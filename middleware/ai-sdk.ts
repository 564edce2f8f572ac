import {
  createOpenAICompatible,
  OpenAICompatibleChatLanguageModel,
  type OpenAICompatibleProvider,
} from '@ai-sdk/openai-compatible'
import { z } from 'zod'
import { createModelFetch, type Fetch } from './model-fetch.ts'

export interface TollgateProviderOptions {
  /** Of the gateway, with `/v1`. */
  readonly baseURL: string
  /** Its service key, or the key of the one account that is served. */
  readonly apiKey: string
  readonly headers?: Readonly<Record<string, string>>
  readonly fetch?: Fetch
}

export type TollgateProvider = Pick<
  OpenAICompatibleProvider,
  'specificationVersion' | 'languageModel' | 'embeddingModel' | 'imageModel'
>

/**
 * The gateway as a provider of the AI SDK: models by tier (`fast`, `employee`) or by name. Calls find account, employee, message and idempotency key by
 * themselves, from the activity that is running.
 */
export function createTollgateProvider({ baseURL, apiKey, headers, fetch }: TollgateProviderOptions): TollgateProvider {
  const settings = {
    baseURL,
    apiKey,
    name: 'tollgate',
    fetch: createModelFetch(fetch),
    ...(headers === undefined ? {} : { headers: { ...headers } }),
  }
  const compatible = createOpenAICompatible(settings)
  return {
    specificationVersion: compatible.specificationVersion,
    embeddingModel: (modelId) => compatible.embeddingModel(modelId),
    imageModel: (modelId) => compatible.imageModel(modelId),
    languageModel: (modelId) =>
      new GatewayModel(modelId, {
        provider: 'tollgate.chat',
        url: ({ path }) => `${baseURL.replace(/\/$/, '')}${path}`,
        headers: { authorization: `Bearer ${apiKey}`, ...headers },
        fetch: settings.fetch,
        includeUsage: true,
        supportsStructuredOutputs: true,
        errorStructure,
      }),
  }
}

/** Amounts and levels of a refusal stay in it. */
const errorStructure = {
  errorSchema: z.object({ error: z.looseObject({ message: z.string() }) }),
  errorToMessage: ({ error }: { readonly error: { readonly message: string } }) => error.message,
}

type StreamResult = Awaited<ReturnType<OpenAICompatibleChatLanguageModel['doStream']>>
type StreamPart = StreamResult['stream'] extends ReadableStream<infer Part> ? Part : never

/**
 * A stream that is refused, fails or breaks off throws where it is read: the AI SDK would end its text in silence, and an activity would take a part, or nothing,
 * for the whole. So the SDK does not try a stream again by itself: the activity's retries do.
 */
class GatewayModel extends OpenAICompatibleChatLanguageModel {
  override async doStream(
    options: Parameters<OpenAICompatibleChatLanguageModel['doStream']>[0],
  ): Promise<StreamResult> {
    let result: StreamResult
    try {
      result = await super.doStream(options)
    } catch (error) {
      if (options.abortSignal?.aborted === true) throw error
      return { stream: new ReadableStream({ start: (controller) => controller.error(error) }) }
    }
    const throwing = new TransformStream<StreamPart, StreamPart>({
      transform(part, controller) {
        if (part.type === 'error') controller.error(new ModelStreamFailed(part.error))
        else controller.enqueue(part)
      },
    })
    return { ...result, stream: result.stream.pipeThrough(throwing) }
  }
}

/** A stream that could not go on; `data` is the gateway's error object. */
class ModelStreamFailed extends Error {
  override readonly name = 'ModelStreamFailed'
  readonly data: unknown

  constructor(error: unknown) {
    const { message } = (error ?? {}) as { readonly message?: unknown }
    super(typeof message === 'string' ? message : 'the stream of a model broke off', { cause: error })
    this.data = error
  }
}

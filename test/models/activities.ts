import { generateText, streamText } from 'ai'
import { Context } from '@temporalio/activity'
import { createTollgateProvider } from '../../middleware/ai-sdk.ts'
import { internal } from '../../middleware/internal-work.ts'
import { createOpenAI } from '../../middleware/openai.ts'
import { says } from '../gateway/stand.ts'

export type ModelActivities = ReturnType<typeof createModelActivities>

const model = 'mock/plain'

/** Activities that ask models as a company's would; those that fail do so after they have asked. */
export function createModelActivities(gateway: { readonly baseURL: string; readonly apiKey: string }) {
  const openai = createOpenAI(gateway)
  const provider = createTollgateProvider(gateway)
  const failUntil = (attempt: number): void => {
    if (Context.current().info.attempt < attempt) throw new Error('not yet')
  }
  const streamOpenAI = async (tokens: number): Promise<string> => {
    const stream = await openai.chat.completions.create({ model, messages: says({ tokens }), stream: true })
    let words = ''
    for await (const chunk of stream) words += chunk.choices[0]!.delta.content ?? ''
    return words
  }
  return {
    async asksOpenAI(tokens: number, untilAttempt: number): Promise<string> {
      const [words] = await Promise.all([
        streamOpenAI(tokens),
        internal('safety', () => openai.chat.completions.create({ model, messages: says({ tokens: 1 }) })),
      ])
      failUntil(untilAttempt)
      return words
    },
    async asksThenDraws(tokens: number): Promise<string> {
      const words = await streamOpenAI(tokens)
      await openai.images.generate({ model: 'mock/image', prompt: '{}' })
      return words
    },
    async asksAiSdk(tokens: number, untilAttempt: number): Promise<string> {
      const [words] = await Promise.all([
        streamText({ model: provider.languageModel(model), prompt: JSON.stringify({ tokens }) }).text,
        internal('memory', () =>
          generateText({ model: provider.languageModel(model), prompt: JSON.stringify({ tokens: 1 }) }),
        ),
      ])
      failUntil(untilAttempt)
      return words
    },
  }
}

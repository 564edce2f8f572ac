import { generateText, streamText } from 'ai'
import { TemporalProvider } from '@temporalio/ai-sdk/workflow'
import { proxyActivities } from '@temporalio/workflow'
import type { ModelActivities } from './activities.ts'

const remote = proxyActivities<ModelActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '50ms', backoffCoefficient: 1 },
})
const provider = new TemporalProvider({
  default: { startToCloseTimeout: '1 minute', retry: { initialInterval: '50ms', backoffCoefficient: 1 } },
  languageModel: { streamingTopic: 'words' },
})
const model = provider.languageModel('mock/plain')

export async function asks(by: 'asksOpenAI' | 'asksAiSdk', tokens: number, untilAttempt: number): Promise<string> {
  return remote[by](tokens, untilAttempt)
}

export async function asksThenDraws(tokens: number): Promise<string> {
  return remote.asksThenDraws(tokens)
}

/** The model is called by an activity of Temporal's own integration. */
export async function generates(script: object): Promise<string> {
  const { text } = await generateText({
    model,
    prompt: JSON.stringify(script),
    headers: { 'x-tollgate-purpose': 'internal:safety' },
  })
  return text
}

export async function streams(script: object): Promise<string> {
  return streamText({ model, prompt: JSON.stringify(script) }).text
}

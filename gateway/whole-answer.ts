import type { Answer } from './answer.ts'
import { callHeaders } from './answer-cost.ts'
import { endCall, type ModelCall, usageOfAbandoned, usageOfOutput } from './model-call.ts'
import { errorAnswer } from './openai-error.ts'
import { readWhole, type UpstreamAnswer } from './upstream.ts'
import { nothingUsed, parseUsage } from './usage.ts'
import { reasoningText, withMember } from './usage-tap.ts'

/** Longer is no chat answer. */
const maxBytes = 64 * 1024 * 1024

/** A whole answer, untouched but for the cost that is written into it. */
export async function wholeAnswer(call: ModelCall, answer: UpstreamAnswer): Promise<Answer> {
  const { recording, receipt, model } = call
  const bytes = await readWhole(answer.body, maxBytes)
  const parsed = bytes === undefined ? undefined : parseObject(bytes)
  // Some providers send their errors with status 200.
  if (bytes === undefined || parsed === undefined || !Array.isArray(parsed['choices'])) {
    recording.forget()
    endCall(call, { outcome: 'failed', usage: nothingUsed, estimated: false, outputBytes: 0 })
    return errorAnswer(
      { code: 'upstream_failed', message: 'the provider answered with something that is no completion' },
      callHeaders(receipt, model),
    )
  }
  const text = textOf(parsed)
  const reported = parseUsage(parsed['usage'])
  const { usage, estimated } = await usageOfOutput(call, { reported, complete: true }, () => text)
  const { cost, noted } = endCall(call, {
    outcome: 'finished',
    usage,
    estimated,
    outputBytes: Buffer.byteLength(text),
    showedReasoning: usage.quantities.reasoningTokens > 0 && reasoningText.test(bytes.toString('latin1')),
  })
  const body = withMember(bytes, 'tollgate', cost)
  const headers = {
    'content-type': 'application/json',
    'x-tollgate-credits': cost.credits,
    ...callHeaders(receipt, model),
  }
  recording.add(body)
  await noted
  recording.finish(200, headers)
  return { status: 200, headers, body }
}

/** The caller left before the answer came. */
export async function abandonWhole(call: ModelCall): Promise<void> {
  call.recording.forget()
  const { usage, estimated } = await usageOfAbandoned(call, { reported: undefined, complete: false }, () => '')
  endCall(call, { outcome: 'abandoned', usage, estimated, outputBytes: 0 })
}

function parseObject(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/** All that the model wrote: content, refusals and tool arguments of every choice. */
function textOf(answer: Record<string, unknown>): string {
  const texts: string[] = []
  const collect = (value: unknown, key: string): void => {
    if (typeof value === 'string') {
      if (textKeys.has(key)) texts.push(value)
    } else if (Array.isArray(value)) {
      for (const item of value) collect(item, key)
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, item] of Object.entries(value)) if (name !== 'logprobs') collect(item, name)
    }
  }
  collect(answer['choices'], '')
  return texts.join('\n')
}

const textKeys = new Set(['content', 'reasoning_content', 'reasoning', 'refusal', 'arguments'])

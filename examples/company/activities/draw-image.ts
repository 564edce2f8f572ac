import { currentWork } from '../../../package/temporal.ts'
import type { Deps } from './deps.ts'

export interface Drawing {
  readonly conversation: string
  readonly answer: string
  readonly prompt: string
  readonly hd: boolean
}

/** Draws a picture and keeps it beside the conversation: a real one is too large for a workflow's history. */
export function drawImage({ openai, events, images }: Pick<Deps, 'openai' | 'events' | 'images'>) {
  return async ({ conversation, answer, prompt, hd }: Drawing): Promise<void> => {
    const { account } = currentWork()!
    // An earlier attempt may have come this far. The gateway does not keep large pictures to give them again.
    if ((await images.find(account, answer)) === null) {
      const made = await openai.images.generate({
        prompt,
        quality: hd ? 'hd' : 'standard',
        response_format: 'b64_json',
      })
      await images.keep(account, answer, made.data?.[0]?.b64_json ?? '')
    }
    await events.writer(account, conversation).write({ kind: 'image', answer })
  }
}

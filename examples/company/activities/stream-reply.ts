import { Context } from '@temporalio/activity'
import { currentWork } from '../../../package/temporal.ts'
import type { AnswerTask } from '../workflows/answer.ts'
import type { Deps } from './deps.ts'

export interface Reply {
  readonly text: string
  /** Somebody stopped it: the text is what was streamed until then. */
  readonly stopped: boolean
}

export interface ReplyTask extends AnswerTask {
  /** What was done for the answer before, as its model is told; '' for nothing. */
  readonly done: string
}

/**
 * Streams the employee's reply from the gateway to whoever watches the conversation. An attempt after a failed one begins the text anew; if the first one had
 * the whole answer, the gateway gives the same one again, uncharged.
 */
export function streamReply({ openai, events }: Pick<Deps, 'openai' | 'events'>) {
  return async (task: ReplyTask): Promise<Reply> => {
    const { conversation, answer } = task
    const { cancellationSignal } = Context.current()
    const tell = events.writer(currentWork()!.account, conversation)
    const beats = setInterval(() => Context.current().heartbeat(), 2_000)
    let text = ''
    try {
      await tell.write({ kind: 'begun', answer })
      const stream = await openai.chat.completions.create(
        { model: 'employee', messages: messagesOf(task), stream: true },
        { signal: cancellationSignal },
      )
      for await (const { choices } of stream) {
        const piece = choices[0]?.delta.content ?? ''
        text += piece
        tell.chunk(answer, piece)
      }
      // A stream that its signal has ended ends quietly.
      if (cancellationSignal.aborted && !isStopped()) throw new Error('the worker ends: another one begins anew')
      return { text, stopped: isStopped() }
    } catch (error) {
      if (isStopped()) return { text, stopped: true }
      await tell.write({ kind: 'interrupted', answer })
      throw error
    } finally {
      clearInterval(beats)
      await tell.flushed()
    }
  }
}

/** By a person. A worker that ends cancels its activities too. */
function isStopped(): boolean {
  return Context.current().cancellationDetails?.cancelRequested === true
}

function messagesOf({ history, memory, done, question }: ReplyTask) {
  const known = memory === '' ? '' : `\nWhat you know of this person: ${memory}`
  return [
    { role: 'system' as const, content: `You are an employee of a small company. Be brief.${known}` },
    ...history.map(({ from, text }) => ({
      role: from === 'person' ? ('user' as const) : ('assistant' as const),
      content: text,
    })),
    ...(done === '' ? [] : [{ role: 'system' as const, content: done }]),
    { role: 'user' as const, content: question },
  ]
}

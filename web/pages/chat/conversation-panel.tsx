import { type ReactNode, useCallback, useState } from 'react'
import {
  asFailure,
  DepletedOverlay,
  type Employee,
  InsufficientNotice,
  MessageCost,
  useCredits,
} from '../../../react/index.ts'
import { paths, waysToCredits } from '../../paths.ts'
import { t } from '../../words.ts'
import { AtZero } from './at-zero.tsx'
import { CallsWith } from './calls-with.tsx'
import { Composer } from './composer.tsx'
import { type ChatMessage, isWorking } from './conversation.ts'
import { MoreWork } from './more-work.tsx'
import { StartCall } from './start-call.tsx'
import { useFollowedEnd } from './use-followed-end.ts'
import { type ConversationState, useConversation } from './use-conversation.ts'

export interface ConversationProps {
  readonly employee: Employee
  /** Who could be asked instead. */
  readonly another?: Employee | undefined
}

/** What was said with one employee, what each answer cost, and the way to say more. */
export function Conversation({ employee, another }: ConversationProps): ReactNode {
  const { formats } = useCredits()
  const conversation = useConversation(employee.id)
  const { messages, error } = conversation
  const { log, list } = useFollowedEnd(messages !== null)
  const [costs, setCosts] = useState<Readonly<Record<string, number>>>({})
  const learnCost = useCallback(
    (id: string, total: number) => setCosts((known) => (known[id] === total ? known : { ...known, [id]: total })),
    [],
  )
  const [begun, setBegun] = useState<string | null>(null)
  const total = Object.values(costs).reduce((sum, cost) => sum + cost, 0)
  return (
    <section className="conversation" aria-label={t('chat.with', { name: employee.name })}>
      {error !== null && (
        <p role="alert" className="failed">
          {t('chat.lost', { reason: error.message })}
        </p>
      )}
      {total > 0 && <p className="cr-soft">{t('chat.total', { count: formats.spend(total) })}</p>}
      <div ref={log} role="log" className="messages" aria-label={t('chat.messages')} aria-busy={messages === null}>
        {messages === null ? (
          error === null && <div className="cr-skeleton table-skeleton" />
        ) : (
          <ol ref={list}>
            {messages.length === 0 && <li className="cr-soft">{t('chat.nothing')}</li>}
            {messages.map((message) => (
              <Message
                key={message.id}
                message={message}
                employee={employee}
                conversation={conversation}
                onCost={learnCost}
              />
            ))}
          </ol>
        )}
      </div>
      <CallsWith employee={employee} begun={begun} />
      <DepletedOverlay
        employee={employee}
        links={{
          ...waysToCredits,
          raise: `${paths.employee(employee.id)}#budget`,
          ...(another === undefined ? {} : { switch: paths.chatWith(another.id) }),
        }}
      >
        <Composer
          employee={employee}
          isAnswering={messages?.some(isWorking) ?? false}
          send={conversation.send}
          stop={conversation.stop}
        />
        <StartCall employee={employee} onBegun={setBegun} />
        <MoreWork send={conversation.send} />
      </DepletedOverlay>
      <AtZero />
    </section>
  )
}

interface MessageProps {
  readonly message: ChatMessage
  readonly employee: Employee
  readonly conversation: ConversationState
  readonly onCost: (id: string, total: number) => void
}

function Message({ message, employee, conversation, onCost }: MessageProps): ReactNode {
  const { id, from, text, image, calls = [], isInterrupted, waitsFor, need = 0 } = message
  if (from === 'person')
    return (
      <li className="message said">
        <strong>{t('chat.you')}</strong>
        <p>{text}</p>
      </li>
    )
  return (
    <li className="message" aria-busy={isWorking(message)} data-state={message.state}>
      <strong>{employee.name}</strong>
      {text !== '' && <p>{text}</p>}
      {image === true && (
        <img src={`/company/conversations/web-${employee.id}/messages/${questionOf(id)}/image`} alt={t('chat.image')} />
      )}
      {calls.map((call) => (
        <p key={call} className="cr-soft">
          {call}
        </p>
      ))}
      <Approval message={message} conversation={conversation} />
      {isInterrupted === true && <p>{t('chat.interrupted')}</p>}
      {waitsFor !== undefined && isInterrupted !== true && <p>{t(`chat.waits.${waitsFor}`)}</p>}
      {need > 0 && <InsufficientNotice needed={need} links={waysToCredits} />}
      {message.state === 'stopped' && <p>{t('chat.stopped')}</p>}
      {message.state === 'failed' && <p>{t('chat.failed')}</p>}
      <p className="message-cost">
        <MessageCost messageId={id} isWorking={isWorking(message) && isInterrupted !== true} onCost={onCost} />
      </p>
    </li>
  )
}

/** An answer's id is its conversation's and its question's. */
const questionOf = (answer: string): string => answer.slice(answer.indexOf('.') + 1)

function Approval({
  message: { id, approval },
  conversation,
}: Pick<MessageProps, 'message' | 'conversation'>): ReactNode {
  const [failure, setFailure] = useState<string | null>(null)
  if (approval === undefined) return null
  const decide = (approved: boolean): void => {
    setFailure(null)
    conversation.decide(questionOf(id), approved).catch((error: unknown) => setFailure(asFailure(error).message))
  }
  return (
    <div className="approval">
      <p>{t('chat.approval', { what: approval })}</p>
      <button type="button" className="button" onClick={() => decide(true)}>
        {t('chat.approve')}
      </button>{' '}
      <button type="button" className="button" onClick={() => decide(false)}>
        {t('chat.decline')}
      </button>
      {failure !== null && <p role="alert">{failure}</p>}
    </div>
  )
}

import { type Mail, type Mailer, MailRefused, MailUnavailable } from '../../middleware/mail/mailer.ts'

/** A mail server's other end, where the real one is not what is tested (test/middleware/mailer.test.ts has that). */
export interface Mails {
  readonly mailer: Mailer
  readonly sent: Mail[]
  /** What the next deliveries meet, one each; then all is well again. */
  readonly troubles: ('unavailable' | 'refused')[]
  to(address: string): readonly Mail[]
}

export function createMails(): Mails {
  const sent: Mail[] = []
  const troubles: ('unavailable' | 'refused')[] = []
  return {
    sent,
    troubles,
    to: (address) => sent.filter((mail) => mail.to === address),
    mailer: {
      async send(mail) {
        const trouble = troubles.shift()
        if (trouble === 'unavailable') throw new MailUnavailable('the mail server does not answer')
        if (trouble === 'refused') throw new MailRefused('550 no such mailbox')
        sent.push(mail)
      },
      close() {},
    },
  }
}

import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'

/** A message in plain text. `id` names what it tells of (an alert, an invitation): it becomes the Message-ID, by which a mailbox knows a repeat. */
export interface Mail {
  readonly id: string
  readonly to: string
  readonly subject: string
  readonly text: string
}

/** Sends mail. Rejects with MailUnavailable when the server does not take it now, and with MailRefused when it never will. */
export interface Mailer {
  send(mail: Mail): Promise<void>
  close(): void
}

export class MailUnavailable extends Error {
  override readonly name = 'MailUnavailable'
}

/** The server refused this very message for good (SMTP 5xx): no such mailbox, most often. */
export class MailRefused extends Error {
  override readonly name = 'MailRefused'
}

export interface MailerOptions {
  /** `smtp://user:password@host:587`, or `smtps://…`; undefined: mail is written to `folder`, one file each. */
  readonly smtpUrl: string | undefined
  /** Address of the sender. */
  readonly from: string
  readonly folder: string
}

/** A server that does not answer within this is away: callers wait for an answer. */
const answerWithinMs = 10_000

export function createMailer({ smtpUrl, from, folder }: MailerOptions): Mailer {
  return smtpUrl === undefined ? writeToFolder(from, folder) : sendBy(smtpUrl, from)
}

function sendBy(smtpUrl: string, from: string): Mailer {
  const transport = createTransport({
    url: smtpUrl,
    pool: true,
    connectionTimeout: answerWithinMs,
    greetingTimeout: answerWithinMs,
    socketTimeout: answerWithinMs,
  })
  return {
    async send(mail) {
      try {
        await transport.sendMail(message(mail, from))
      } catch (error) {
        const { responseCode = 0, message: said } = error as Error & { readonly responseCode?: number }
        if (responseCode >= 500 && responseCode < 600) throw new MailRefused(said, { cause: error })
        throw new MailUnavailable(said, { cause: error })
      }
    },
    close: () => transport.close(),
  }
}

/** Where there is no mail server, mail can be read as files: `<time>-<id>.eml`. */
function writeToFolder(from: string, folder: string): Mailer {
  const transport = createTransport({ streamTransport: true, buffer: true })
  return {
    async send(mail) {
      const { message: written } = await transport.sendMail(message(mail, from))
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const name = `${new Date().toISOString().replaceAll(':', '-')}-${fileName(mail.id)}.eml`
      // Links in it sign people in.
      await writeFile(join(folder, name), written as Buffer, { mode: 0o600 })
    },
    close() {},
  }
}

function message({ id, to, subject, text }: Mail, from: string) {
  const domain = /@([^>\s]+)/.exec(from)?.[1] ?? 'tollgate.local'
  return {
    from,
    // An object, so that a comma in what somebody typed never makes two receivers.
    to: { name: '', address: to },
    subject,
    text,
    messageId: `<${encodeURIComponent(id === '' ? randomUUID() : id)}@${domain}>`,
    headers: { 'X-Tollgate-Id': id },
  }
}

function fileName(id: string): string {
  return id.replaceAll(/[^A-Za-z0-9._-]/g, '_').slice(0, 80)
}

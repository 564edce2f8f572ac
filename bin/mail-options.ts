import { join, resolve } from 'node:path'
import type { MailerOptions } from '../middleware/mail/mailer.ts'
import type { Settings } from './settings.ts'

/** Without a mail server, mail is written to a folder beside the other data. */
export function mailOptions(settings: Pick<Settings, 'SMTP_URL' | 'MAIL_FROM' | 'DATA_DIR'>): MailerOptions {
  return {
    smtpUrl: settings.SMTP_URL,
    from: settings.MAIL_FROM,
    folder: join(resolve(settings.DATA_DIR), 'mail'),
  }
}

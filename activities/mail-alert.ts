import { ApplicationFailure } from '@temporalio/activity'
import type { AlertMail } from '../credits/account/messages.ts'
import { MailRefused } from '../middleware/mail/mailer.ts'
import { alertMail } from '../middleware/mail/texts.ts'
import type { ActivityDeps } from './deps.ts'

/** Mails one alert; again after a death it is the same message, by its id. A mailbox that is not there is given up at once. */
export function createMailAlert({
  mailer,
  publicUrl = null,
  count,
}: Pick<ActivityDeps, 'mailer' | 'publicUrl' | 'count'>) {
  return async (alert: AlertMail): Promise<void> => {
    try {
      await mailer.send(alertMail(alert, publicUrl))
      count?.('alerts_mailed', 1)
    } catch (error) {
      count?.('alert_mail_failed', 1)
      if (error instanceof MailRefused) throw ApplicationFailure.nonRetryable(error.message, 'mail_refused')
      throw error
    }
  }
}

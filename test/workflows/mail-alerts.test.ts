import { afterAll, beforeAll, expect, test } from 'vitest'
import { createActivities } from '../../activities/index.ts'
import { accountWorkflowId, type RowsReport } from '../../credits/account/messages.ts'
import { zero } from '../../credits/money.ts'
import { type Accounts, createAccounts } from '../../middleware/accounts.ts'
import { row, rowOf } from '../account/given.ts'
import { createMails, type Mails } from '../stack/mails.ts'
import { until } from '../stack/until.ts'
import { catalogue, credits } from './catalogue.ts'
import { newAccountId, openStand, signUpOf, type Stand } from './stand.ts'

let stand: Stand
let accounts: Accounts
const mails: Mails = createMails()
const mailing = { ...catalogue, policies: { ...catalogue.policies, alertMail: true } }
const counted: string[] = []

beforeAll(async () => {
  stand = await openStand()
  accounts = createAccounts({ client: stand.client, taskQueue: stand.taskQueue, catalogue: mailing })
  const { mailAlert } = createActivities({
    mailer: mails.mailer,
    publicUrl: 'https://tollgate.example/',
    count: (event: string) => void counted.push(event),
  } as never)
  await stand.startWorker({ putTerms: async () => undefined, mailAlert })
})
afterAll(() => stand.close())

const spent = (seq: number, amount: number): RowsReport => ({
  lineage: 1,
  seq,
  termsVersion: 1,
  held: zero,
  epochs: [{ epoch: 1, rows: { [rowOf('app')]: row(credits(amount)) } }],
})
async function account(): Promise<string> {
  const accountId = newAccountId()
  await accounts.signUp(signUpOf(accountId))
  await accounts.nextLineage(accountId)
  return accountId
}
const mailed = (accountId: string) => mails.sent.filter(({ id }) => id.startsWith(`alert-${accountId}-`))

test('a fall through all thresholds is one mail, with the id of the worst alert, what to do and when it refreshes', async () => {
  const accountId = await account()
  await accounts.reconcile(accountId, spent(2, 1000))
  await until(async () => mailed(accountId).length > 0)
  await accounts.reconcile(accountId, spent(3, 1001))
  const [mail, ...others] = mailed(accountId)
  expect(others).toEqual([])
  expect(mail).toMatchObject({ id: `alert-${accountId}-1-0`, to: signUpOf(accountId).email })
  expect(mail!.subject).toBe('Your credits are used up')
  expect(mail!.text).toMatch(/credits refresh on \w+ \d+, \d{4} \(/)
  expect(mail!.text).toContain('https://tollgate.example/settings/subscription')
})

test('each threshold is a mail of its own, in its turn', async () => {
  const accountId = await account()
  await accounts.reconcile(accountId, spent(2, 760))
  await accounts.reconcile(accountId, spent(3, 860))
  await until(async () => mailed(accountId).length === 2)
  expect(mailed(accountId).map(({ subject }) => subject)).toEqual([
    '25 % of your credits are left',
    '15 % of your credits are left',
  ])
})

test('a mail server that is away is asked again; a mailbox that is not there is not', async () => {
  const [away, gone] = [await account(), await account()]
  mails.troubles.push('unavailable')
  await accounts.reconcile(away, spent(2, 800))
  await until(async () => mailed(away).length === 1)
  mails.troubles.push('refused')
  await accounts.reconcile(gone, spent(2, 800))
  await until(async () => {
    const { events } = await stand.client.workflow.getHandle(accountWorkflowId(gone)).fetchHistory()
    return events?.some((event) => event.activityTaskFailedEventAttributes)
  })
  expect(mailed(gone)).toEqual([])
  expect(counted.filter((event) => event === 'alert_mail_failed')).toHaveLength(2)
})

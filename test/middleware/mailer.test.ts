import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ParsedMail, simpleParser } from 'mailparser'
import { SMTPServer } from 'smtp-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { maskedMail, personKey } from '../../middleware/mail/mail-key.ts'
import { createMailer } from '../../middleware/mail/mailer.ts'

const folder = mkdtempSync(join(tmpdir(), 'tollgate-mail-'))
const received: { readonly to: readonly string[]; readonly mail: ParsedMail }[] = []
const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS'],
  onRcptTo: ({ address }, _, done) =>
    done(address.startsWith('nobody') ? Object.assign(new Error('no such mailbox'), { responseCode: 550 }) : null),
  onData(stream, session, done) {
    simpleParser(stream, (error, mail) => {
      if (!error) received.push({ to: session.envelope.rcptTo.map(({ address }) => address), mail })
      done(error)
    })
  },
})
let smtpUrl: string

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  smtpUrl = `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`
})
afterAll(async () => {
  await new Promise<void>((resolve) => server.close(() => resolve()))
  rmSync(folder, { recursive: true, force: true })
})

const from = 'Tollgate <tollgate@example.com>'
const mail = { id: 'alert_1', to: 'ada@example.com', subject: 'Low', text: 'Less than a quarter is left: 25 %.\n' }

describe('by a mail server', () => {
  test('a mail arrives as it was written, and a repeat is known by its id', async () => {
    const mailer = createMailer({ smtpUrl, from, folder })
    await mailer.send(mail)
    await mailer.send(mail)
    mailer.close()
    const [first, second] = received.splice(0)
    expect(first).toMatchObject({ to: ['ada@example.com'], mail: { subject: 'Low', text: mail.text } })
    expect(first!.mail.messageId).toBe('<alert_1@example.com>')
    expect(second!.mail.messageId).toBe(first!.mail.messageId)
    expect(first!.mail.headers.get('x-tollgate-id')).toBe('alert_1')
  })

  test('what people typed adds no receiver and no header', async () => {
    const mailer = createMailer({ smtpUrl, from, folder })
    await mailer
      .send({ ...mail, to: 'ada@example.com, eve@example.com', subject: 'Hi\r\nBcc: eve@example.com' })
      .catch(() => undefined)
    await mailer.send({ ...mail, subject: 'Hi\r\nBcc: eve@example.com' })
    mailer.close()
    for (const { to, mail: got } of received.splice(0)) {
      expect(to).not.toContain('eve@example.com')
      expect(got.headers.has('bcc')).toBe(false)
    }
  })

  test('a mailbox that is not there is refused for good; a server that is away is not', async () => {
    const mailer = createMailer({ smtpUrl, from, folder })
    await expect(mailer.send({ ...mail, to: 'nobody@example.com' })).rejects.toMatchObject({ name: 'MailRefused' })
    mailer.close()
    const away = createMailer({ smtpUrl: 'smtp://127.0.0.1:9', from, folder })
    await expect(away.send(mail)).rejects.toMatchObject({ name: 'MailUnavailable' })
    away.close()
  })
})

test('without a mail server each mail is a file that its owner alone can read', async () => {
  const mails = join(folder, 'mail')
  await createMailer({ smtpUrl: undefined, from, folder: mails }).send({ ...mail, id: '../../escape' })
  const [name] = readdirSync(mails)
  expect(name).toMatch(/^\d{4}-.*escape\.eml$/)
  expect(statSync(join(mails, name!)).mode & 0o777).toBe(0o600)
  expect((await simpleParser(readFileSync(join(mails, name!)))).text).toBe(mail.text)
})

test('one person is one person, and an address is masked', () => {
  expect(personKey(' Jo+shop@Example.com')).toBe('jo@example.com')
  expect(maskedMail('jonathan@example.com')).toBe('jo••••@example.com')
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { platformOf } from '../../credits/session/platform-of.ts'

test.each([
  ['meet', 'https://meet.google.com/abc-defg-hij'],
  ['meet', 'https://meet.google.com/abc-defg-hij?authuser=0&pli=1'],
  ['meet', 'https://meet.google.com/lookup/weekly-planning'],
  ['meet', 'HTTPS://MEET.GOOGLE.COM/abc-defg-hij/'],
  ['zoom', 'https://zoom.us/j/1234567890'],
  ['zoom', 'https://us02web.zoom.us/j/1234567890?pwd=a.B-c_d'],
  ['zoom', 'https://my-company.zoom.us/my/ada.lovelace'],
  ['zoom', 'https://app.zoom.us/wc/1234567890/join'],
  ['zoom', 'https://zoom.us/wc/join/1234567890'],
  ['zoom', 'https://my-company.zoom.com/j/1234567890'],
  ['zoom', 'https://agency.zoomgov.com/j/1234567890'],
  ['zoom', 'https://events.zoom.us/w/1234567890'],
  [
    'teams',
    'https://teams.microsoft.com/l/meetup-join/19%3ameeting_NjA%40thread.v2/0?context=%7b%22Tid%22%3a%221%22%7d',
  ],
  ['teams', 'https://teams.microsoft.com/meet/2345678901234?p=aBcDeF'],
  ['teams', 'https://teams.live.com/meet/9312345678901?p=xyz'],
  ['teams', 'https://teams.cloud.microsoft/meet/2345678901234'],
  ['teams', 'https://gov.teams.microsoft.us/l/meetup-join/19%3ameeting_NjA%40thread.v2/0'],
])('a meeting of %s is one: %s', (platform, url) => {
  expect(platformOf(url)).toBe(platform)
})

test.each([
  ['', 'nothing'],
  ['meet.google.com/abc-defg-hij', 'an address without its scheme'],
  ['http://meet.google.com/abc-defg-hij', 'a link that anybody on the way can change'],
  ['https://meet.google.com/', 'the platform, but no meeting'],
  ['https://meet.google.com/new', 'a link that makes a meeting'],
  ['https://zoom.us/pricing', 'a page of the platform'],
  ['https://zoom.us/j/', 'a meeting without its number'],
  ['https://teams.microsoft.com/v2/', 'the web app'],
  ['https://example.webex.com/meet/ada', 'another platform'],
  ['https://meet.google.com.example.net/abc-defg-hij', 'the name as a subdomain of somebody else'],
  ['https://meet.google.com@example.net/abc-defg-hij', 'the name as a user'],
  ['https://user:word@zoom.us/j/1234567890', 'a user at the real host'],
  ['https://zoom.us:8443/j/1234567890', 'another port'],
  ['https://evilzoom.us/j/1234567890', 'a name that ends alike'],
  ['https://zoom.us.example.net/j/1234567890', 'a name that begins alike'],
  ['https://example.net/https://zoom.us/j/1234567890', 'the address within a path'],
  ['https://example.net/?u=https://zoom.us/j/1234567890', 'the address within a query'],
  ['https://example.net#@zoom.us/j/1234567890', 'the address within a fragment'],
  ['https://zoom.us\\@example.net/j/1234567890', 'a backslash, which browsers read as a slash'],
  ['https://zооm.us/j/1234567890', 'letters of another alphabet'],
  ['https://zoom.us/j/1234567890/../../pricing', 'a path that leads elsewhere'],
  ['https://zoom.us./j/1234567890', 'a host with a dot at its end'],
  ['https://127.0.0.1/j/1234567890', 'this machine'],
  ['https://[::1]/j/1234567890', 'this machine, in another way'],
  ['https://169.254.169.254/latest/meta-data', 'what only the machine itself may read'],
  ['javascript:alert(1)//https://zoom.us/j/1', 'a script'],
  ['file:///zoom.us/j/1234567890', 'a file'],
  [' https://zoom.us/j/1234567890', 'a blank before it'],
  ['https://zoom.us/j/123456\n7890', 'a line break, which a parser would drop'],
  ['https://zo\tom.us/j/1234567890', 'a tab, which a parser would drop'],
  [`https://zoom.us/j/1234567890?pwd=${'a'.repeat(2_048)}`, 'longer than any'],
])('%j is no meeting: %s', (url) => {
  expect(platformOf(url)).toBeNull()
})

test('whatever is given is told apart or refused, and a host of another never passes', () => {
  const hosts = ['meet.google.com', 'zoom.us', 'teams.microsoft.com', 'teams.live.com']
  fc.assert(
    fc.property(
      fc.constantFrom(...hosts),
      fc.string({ maxLength: 12, unit: 'binary-ascii' }),
      fc.constantFrom('/abc-defg-hij', '/j/1234567890', '/meet/9312345678901'),
      (host, stranger, path) => {
        expect(() => platformOf(stranger)).not.toThrow()
        const url = `https://${host}${stranger}.example.net${path}`
        fc.pre(URL.parse(url)?.hostname.endsWith('.example.net') === true)
        expect(platformOf(url)).toBeNull()
      },
    ),
  )
})

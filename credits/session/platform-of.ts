import type { Platform } from './session.ts'

interface Place {
  readonly platform: Platform
  readonly host: RegExp
  /** Of a meeting: the same hosts have pages that are none. */
  readonly path: RegExp
}

const places: readonly Place[] = [
  { platform: 'meet', host: /^meet\.google\.com$/, path: /^\/([a-z]{3}-[a-z]{4}-[a-z]{3}|lookup\/[\w-]+)\/?$/i },
  // A company's Zoom has a name before the domain
  {
    platform: 'zoom',
    host: /^([a-z0-9-]+\.)*(zoom\.us|zoom\.com|zoomgov\.com)$/,
    path: /^\/((j|s|w|my)\/[\w.-]+|wc\/(join\/)?\d+(\/(join|start))?)\/?$/,
  },
  {
    platform: 'teams',
    host: /^((gov|dod)\.)?teams\.(microsoft\.(com|us)|live\.com|cloud\.microsoft)$/,
    path: /^\/(l\/meetup-join\/[^/]+\/[^/]+|meet\/[\w-]+)\/?$/,
  },
]

/** No meeting has a longer address; Teams' own come to some five hundred characters. */
const longest = 2_048

/**
 * On which platform a meeting takes place, by its address; null when it is no meeting of Meet, Zoom or Teams. Only https, without a user and a port,
 * so that what looks like one of them to a person is one.
 */
export function platformOf(meetingUrl: string): Platform | null {
  if (meetingUrl.length > longest || !/^https:\/\/[^\s\\]+$/i.test(meetingUrl)) return null
  const url = URL.parse(meetingUrl)
  if (url === null || url.username !== '' || url.password !== '' || url.port !== '') return null
  return places.find(({ host, path }) => host.test(url.hostname) && path.test(url.pathname))?.platform ?? null
}

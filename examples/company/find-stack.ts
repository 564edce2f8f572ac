import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'

const devFacts = z.object({
  gatewayUrl: z.url(),
  companyUrl: z.url(),
  demo: z.object({ apiKey: z.string() }),
})

/** The stack that `npm start` runs here, in the name of its demo account. Ends the process, with what to do, when there is none. */
export function findStack() {
  const facts = readFacts()
  const headers = { authorization: `Bearer ${facts.demo.apiKey}` }

  /** Rejects for every answer that is no success. */
  async function request<Answer>(method: string, url: string, body?: object, more: object = {}): Promise<Answer> {
    const answer = await fetch(url, {
      method,
      headers: { ...headers, ...more, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`)
    return (await answer.json()) as Answer
  }

  return {
    facts,
    headers,
    gateway: <Answer>(method: string, path: string, body?: object, more?: object): Promise<Answer> =>
      request(method, `${facts.gatewayUrl}/credits/v1${path}`, body, more),
    company: <Answer>(method: string, path: string, body?: object): Promise<Answer> =>
      request(method, `${facts.companyUrl}/company${path}`, body),
  }
}

function readFacts() {
  const file = join(resolve(process.env['DATA_DIR'] ?? '.tollgate'), 'dev.json')
  try {
    return devFacts.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    process.stderr.write(
      `there is no running stack to be found in ${file}: run \`npm start\` in another terminal first\n`,
    )
    process.exit(1)
  }
}

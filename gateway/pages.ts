import { createHash } from 'node:crypto'
import { html, raw } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import type { ApiDeps } from './api/deps.ts'
import type { Api } from './route.ts'

const stylesheet = `:root { color-scheme: light dark; --line: #8885; --soft: #8881 }
* { box-sizing: border-box }
body { font: 16px/1.55 system-ui, sans-serif; margin: 0 auto; max-width: 62rem; padding: 1.5rem }
h1 { font-size: 1.6rem } h2 { margin-top: 2.5rem; border-bottom: 1px solid var(--line) } h3 { margin: 2rem 0 .3rem; font-size: 1rem }
code, pre { font: .9em ui-monospace, monospace } code { background: var(--soft); padding: .1em .3em; border-radius: .25em; overflow-wrap: anywhere }
pre { background: var(--soft); padding: .8rem; overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .92em } th, td { text-align: start; vertical-align: top; padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--line) }
.method { display: inline-block; min-width: 5em; font-weight: 700 } .scroll { overflow-x: auto } .soft { opacity: .8 }
`
const stylesheetPath = `/style-${createHash('sha256').update(stylesheet).digest('hex').slice(0, 12)}.css`

/** Nothing from elsewhere, nothing inline. */
export const pageHeaders = {
  'content-security-policy': "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

export function pageRoutes(
  app: Api,
  { links, version, document }: Pick<ApiDeps, 'links' | 'version'> & { readonly document: () => object },
): void {
  app.get('/openapi.json', (c) => c.json(document()))
  app.get(stylesheetPath, (c) =>
    c.body(stylesheet, 200, {
      'content-type': 'text/css; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
    }),
  )
  app.get('/', async (c) => c.html(await landing(version, links.temporalUi), 200, pageHeaders))
  let docs: Promise<string> | undefined
  // Browsers ask for it unasked, and would call a missing one an error
  app.get('/favicon.ico', (c) => c.body(null, 204))
  app.get('/docs', async (c) =>
    c.html(await (docs ??= Promise.resolve(docsPage(document() as ApiDocument)).then(String)), 200, pageHeaders),
  )
}

function page(title: string, content: HtmlEscapedString | Promise<HtmlEscapedString>) {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <link rel="stylesheet" href="${stylesheetPath}" />
      </head>
      <body>
        <main>${content}</main>
      </body>
    </html>`
}

/** A page with forms, which post to this address alone. Nobody keeps a copy: it may hold a code. */
export async function formPage(
  title: string,
  content: HtmlEscapedString | Promise<HtmlEscapedString>,
  status = 200,
): Promise<Response> {
  return new Response(String(await page(title, content)), {
    status,
    headers: {
      ...pageHeaders,
      // With none at all, browsers send forms from nowhere (Origin: null).
      'referrer-policy': 'same-origin',
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
    },
  })
}

/** An error as people see it, where programs get JSON: a browser that was sent to this address asks for a page. */
export async function errorForPeople(accept: string | undefined, answer: Response): Promise<Response> {
  if (accept?.includes('text/html') !== true) return answer
  const { error } = (await answer.json()) as { error: { code: string; message: string; requestId: string } }
  const shown = await formPage(
    'That did not work',
    html`<h1>That did not work</h1>
      <p role="alert">${error.message[0]?.toUpperCase()}${error.message.slice(1)}.</p>
      <p class="soft">${error.code}, request ${error.requestId}</p>
      <p><a href="/">To the start</a></p>`,
    answer.status,
  )
  for (const [name, value] of answer.headers) if (!shown.headers.has(name)) shown.headers.set(name, value)
  shown.headers.delete('content-length')
  return shown
}

function landing(version: string, temporalUi: string | null) {
  const content = html`<h1>Tollgate ${version} is running</h1>
    <p>
      This is the gateway: point an OpenAI client at <code>/v1</code> on this address, with an API key of Tollgate, and
      every call is metered in credits.
    </p>
    <ul>
      <li><a href="/docs">The API, to read</a> and <a href="/openapi.json">as OpenAPI</a></li>
      <li><a href="/readyz">Which parts answer</a> and <a href="/metrics">metrics</a></li>
      ${temporalUi === null ? '' : html`<li><a href="${temporalUi}">Temporal’s web page</a>: accounts are workflows there</li>`}
    </ul>
    <p class="soft">There is no web app on this address yet.</p>`
  return page('Tollgate', content)
}

interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly format?: string
  readonly default?: unknown
}
interface Operation {
  readonly tags?: readonly string[]
  readonly summary?: string
  readonly description?: string
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly required?: boolean
    readonly description?: string
    readonly schema?: Schema
  }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: Schema }>> }
  readonly responses: Readonly<
    Record<
      string,
      { readonly description: string; readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> }
    >
  >
}
interface ApiDocument {
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly tags: readonly { readonly name: string; readonly description?: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas?: Readonly<Record<string, Schema>> }
}

/** The document as a page: one list of routes, then each with its parameters, body and answers, then the shapes. */
function docsPage({ info, tags, paths, components }: ApiDocument) {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  const sections = tags.map(({ name, description = '' }) => {
    const members = operations.filter(({ operation }) => operation.tags?.includes(name))
    return html`<h2 id="${name}">${name}</h2>
      <p>${description}</p>
      ${members.map(operationSection)}`
  })
  const shapes = Object.entries(components.schemas ?? {}).map(
    ([name, schema]) =>
      html`<h3 id="shape-${name}">${name}</h3>
        ${schemaTable(schema)}`,
  )
  const content = html`<h1>${info.title} API ${info.version}</h1>
    ${prose(info.description)}
    <nav>
      <ul>
        ${operations.map(
          ({ method, path, operation }) =>
            html`<li>
              <a href="#${anchor(method, path)}"><span class="method">${method}</span> <code>${path}</code></a>
              ${operation.summary ?? ''}
            </li>`,
        )}
      </ul>
    </nav>
    ${sections}
    <h2 id="shapes">Shapes</h2>
    ${shapes}`
  return page(`${info.title} API`, content)
}

function operationSection({ method, path, operation }: { method: string; path: string; operation: Operation }) {
  const parameters = operation.parameters ?? []
  const bodySchema = operation.requestBody?.content['application/json']?.schema
  return html`<section id="${anchor(method, path)}">
    <h3><span class="method">${method}</span> <code>${path}</code></h3>
    <p><strong>${operation.summary ?? ''}</strong></p>
    ${operation.description === undefined ? '' : prose(operation.description)}
    ${
      parameters.length === 0
        ? ''
        : html`<div class="scroll">
            <table>
              <thead>
                <tr>
                  <th>Parameter</th>
                  <th>In</th>
                  <th>Type</th>
                  <th></th>
                </tr>
              </thead>
              <tbody>
                ${parameters.map(
                  (parameter) =>
                    html`<tr>
                      <td><code>${parameter.name}</code>${parameter.required === true ? ' *' : ''}</td>
                      <td>${parameter.in}</td>
                      <td>${typeOf(parameter.schema ?? {})}</td>
                      <td>${prose(parameter.description ?? parameter.schema?.description ?? '')}</td>
                    </tr>`,
                )}
              </tbody>
            </table>
          </div>`
    }
    ${bodySchema === undefined ? '' : html`<p>Body: ${typeOf(bodySchema)}</p>`}
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Answer</th>
            <th>Body</th>
            <th></th>
          </tr>
        </thead>
        <tbody>
          ${Object.entries(operation.responses).map(
            ([status, response]) =>
              html`<tr>
                <td>${status}</td>
                <td>${bodyOf(response.content)}</td>
                <td>${prose(response.description)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`
}

function bodyOf(content: Readonly<Record<string, { readonly schema?: Schema }>> | undefined) {
  return Object.entries(content ?? {}).map(([type, { schema }]) =>
    type === 'application/json' ? typeOf(schema ?? {}) : html`<code>${type}</code> `,
  )
}

function schemaTable(schema: Schema) {
  const fields = Object.entries(schema.properties ?? {})
  if (fields.length === 0) return html`<p>${typeOf(schema)} ${prose(schema.description ?? '')}</p>`
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          <th>Field</th>
          <th>Type</th>
          <th></th>
        </tr>
      </thead>
      <tbody>
        ${fields.map(
          ([name, field]) =>
            html`<tr>
              <td><code>${name}</code>${schema.required?.includes(name) === true ? '' : ' ?'}</td>
              <td>${typeOf(field)}</td>
              <td>${prose(field.description ?? '')}</td>
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

/** A type in a few words, shapes as links. */
function typeOf(schema: Schema): HtmlEscapedString | Promise<HtmlEscapedString> {
  const join = (parts: readonly Schema[], word: string) =>
    html`${parts.map((part, index) => html`${index === 0 ? '' : ` ${word} `}${typeOf(part)}`)}`
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1)!
    return html`<a href="#shape-${name}">${name}</a>`
  }
  if (schema.enum !== undefined)
    return html`${schema.enum.map((value, index) => html`${index === 0 ? '' : ' | '}<code>${JSON.stringify(value)}</code>`)}`
  if (schema.const !== undefined) return html`<code>${JSON.stringify(schema.const)}</code>`
  const parts = schema.anyOf ?? schema.oneOf
  if (parts !== undefined) return join(parts, '|')
  if (schema.allOf !== undefined) return join(schema.allOf, '&')
  if (schema.items !== undefined) return html`list of ${typeOf(schema.items)}`
  if (schema.properties !== undefined)
    return html`{
    ${Object.entries(schema.properties).map(([name, field], index) => html`${index === 0 ? '' : ', '}<code>${name}</code>: ${typeOf(field)}`)}
    }`
  const type = Array.isArray(schema.type) ? schema.type.join(' | ') : (schema.type ?? 'any')
  return html`${type}${schema.format === undefined ? '' : ` (${schema.format})`}${schema.default === undefined ? '' : html`, default <code>${JSON.stringify(schema.default)}</code>`}`
}

function anchor(method: string, path: string): string {
  return `${method}${path}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
}

/** Paragraphs, **strong** words and `code`: as much Markdown as our descriptions use. */
function prose(text: string) {
  const escaped = (plain: string): string =>
    plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  const rich = text.split('\n\n').map((paragraph) =>
    escaped(paragraph)
      .replaceAll(/`([^`]+)`/g, '<code>$1</code>')
      .replaceAll(/\*\*([^*]+)\*\*/g, '<strong>$1</strong>'),
  )
  return raw(rich.length === 1 ? rich[0]! : rich.map((paragraph) => `<p>${paragraph}</p>`).join('\n'))
}

import { type OpenAPIHono, z } from '@hono/zod-openapi'
import type { ApiEnv } from './route.ts'

const description = `Tollgate meters, gates and reconciles the AI work of a company's employees.

**Units.** Amounts in answers are integers of micro-credits: 1 credit = 1,000,000 µcr ≈ $0.01. They are exact; divide only to show them. Only \`credits\` of an operator's grant is in credits, as people write them.

**Who.** \`/admin/v1\` takes the operator's admin key, \`/credits/v1\` an API key, a user token or the cookie of a signed-in browser, \`/v1\` an API key, or the service key beside \`x-tollgate-account\`; all as \`Authorization: Bearer …\`.

**Errors.** \`{ "error": { "code", "message", "requestId" } }\`; switch on \`code\`. \`/v1\` answers in OpenAI's shape. 503 means that a part does not answer: nothing was changed by guess, try again after \`Retry-After\` seconds.

**Writes** take an \`Idempotency-Key\`; **lists** answer \`items\` and \`next\`, which goes into \`cursor\`.`

/** The OpenAPI document of everything that the app serves: the credits and admin API from their schemas, the rest as registered here. */
export function openApiDocument(app: OpenAPIHono<ApiEnv>, version: string): object {
  const { components = {}, ...document } = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Tollgate',
      version,
      description,
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'Models', description: 'Compatible with the OpenAI clients.' },
      { name: 'Credits', description: 'What a user sees: balance, usage, receipts, feed.' },
      { name: 'Admin', description: 'For the operator’s back end.' },
      { name: 'Webhooks', description: 'Signed events of the systems that calls and meetings run on.' },
      { name: 'Service', description: 'Health, metrics and this description.' },
    ],
  })
  return {
    ...document,
    components: {
      ...components,
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer', description: 'An API key of the account, `tg_live_…`.' },
        userToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'A short-lived user token.' },
        serviceKey: {
          type: 'http',
          scheme: 'bearer',
          description: 'Acts for any account: the request names it in `x-tollgate-account`.',
        },
        cookie: {
          type: 'apiKey',
          in: 'cookie',
          name: 'tollgate_session',
          description: 'A browser that is signed in; writes need an Origin of ours.',
        },
        adminKey: { type: 'http', scheme: 'bearer', description: 'The operator’s admin key.' },
      },
    },
  }
}

/** Routes that others serve, described so that the document is whole. */
export function describeModelRoutes({ openAPIRegistry: registry }: OpenAPIHono<ApiEnv>): void {
  const openAiError = {
    description:
      'In OpenAI’s shape, with `x-should-retry`. 402: `credits_depleted`, `insufficient_credits` or `budget_exhausted`.',
    content: {
      'application/json': {
        schema: { type: 'object' as const, properties: { error: { type: 'object' as const } }, required: ['error'] },
      },
    },
  }
  const anyObject = { 'application/json': { schema: { type: 'object' as const, additionalProperties: true } } }
  registry.registerPath({
    method: 'post',
    path: '/v1/chat/completions',
    tags: ['Models'],
    summary: 'A model call, metered and gated',
    description:
      'OpenAI’s request and answer; unknown fields pass through. `model` is a model, or `fast`, `standard`, `advanced`, `employee`. The cost is in `x-tollgate-receipt`, `x-tollgate-credits` and in a `tollgate` object beside `usage`.',
    security: [{ apiKey: [] }, { serviceKey: [] }],
    request: {
      body: {
        required: true,
        content: {
          'application/json': {
            schema: {
              type: 'object',
              additionalProperties: true,
              required: ['model', 'messages'],
              properties: {
                model: { type: 'string' },
                messages: { type: 'array', items: { type: 'object' } },
                stream: { type: 'boolean' },
              },
            },
          },
        },
      },
    },
    responses: {
      200: {
        description: 'The completion, or its chunks as server-sent events',
        content: { ...anyObject, 'text/event-stream': { schema: { type: 'string' } } },
      },
      default: openAiError,
    },
  })
  registry.registerPath({
    method: 'post',
    path: '/v1/images/generations',
    tags: ['Models'],
    summary: 'Images, charged by how many were delivered',
    description:
      'OpenAI’s request and answer; unknown fields pass through. `quality` `hd` or `high` costs more than any other; the prices are those of the catalogue’s `images`. All images are reserved first: where the balance pays for a part only, 402 `insufficient_credits` says in `maxImages` how many would fit. The cost is in `x-tollgate-receipt`, `x-tollgate-credits` and a `tollgate` object.',
    security: [{ apiKey: [] }, { serviceKey: [] }],
    request: {
      body: {
        required: true,
        content: {
          'application/json': {
            schema: {
              type: 'object',
              additionalProperties: true,
              required: ['prompt'],
              properties: {
                prompt: { type: 'string' },
                model: { type: 'string' },
                n: { type: 'integer', minimum: 1, maximum: 10 },
                size: { type: 'string' },
                quality: { type: 'string' },
                response_format: { type: 'string', enum: ['b64_json', 'url'] },
              },
            },
          },
        },
      },
    },
    responses: { 200: { description: 'OpenAI’s images', content: anyObject }, default: openAiError },
  })
  registry.registerPath({
    method: 'get',
    path: '/v1/models',
    tags: ['Models'],
    summary: 'Models and tiers that answer here, and models that make images',
    security: [{ apiKey: [] }, { serviceKey: [] }],
    responses: { 200: { description: 'OpenAI’s list', content: anyObject }, default: openAiError },
  })
  registry.registerPath({
    method: 'get',
    path: '/v1/models/{id}',
    tags: ['Models'],
    summary: 'One model',
    security: [{ apiKey: [] }, { serviceKey: [] }],
    request: { params: z.object({ id: z.string().openapi({ description: 'May contain slashes.' }) }) },
    responses: { 200: { description: 'OpenAI’s model', content: anyObject }, default: openAiError },
  })
}

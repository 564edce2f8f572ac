// The measure of the gateway: the same HTTP libraries, nothing else. It passes bytes on and looks into none.
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { request } from 'undici'

const url = `${process.env['UPSTREAM_URL']}/chat/completions`
const headers = { 'content-type': 'application/json', authorization: 'Bearer bench' }

const app = new Hono()
app.post('/v1/chat/completions', async (c) => {
  const answer = await request(url, { method: 'POST', headers, body: Buffer.from(await c.req.raw.arrayBuffer()) })
  const contentType = String(answer.headers['content-type'])
  const body = contentType === 'application/json' ? await answer.body.arrayBuffer() : webStream(answer.body)
  return new Response(body, { status: answer.statusCode, headers: { 'content-type': contentType } })
})
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env['PORT']) })

function webStream(body: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await chunks.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
      async cancel() {
        await chunks.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}

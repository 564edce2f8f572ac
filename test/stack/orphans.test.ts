import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { expect, test, vi } from 'vitest'

test('a killed parent takes its Redis with it', async () => {
  const starter = new URL('../../bin/stack/redis.ts', import.meta.url).href
  const program = `const { startRedis } = await import('${starter}'); const { port } = await startRedis(); console.log(port); setInterval(() => {}, 1000)`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const port = Number(
    await new Promise<string>((resolve) => parent.stdout.once('data', (chunk) => resolve(String(chunk)))),
  )
  expect(await listens(port)).toBe(true)

  parent.kill('SIGKILL')
  await vi.waitUntil(async () => !(await listens(port)), { timeout: 20_000, interval: 100 })
})

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const lockModule = new URL('../../bin/setup/lock.mjs', import.meta.url).href

let folder: string
let lock: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tollgate-lock-'))
  lock = join(folder, 'lock')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('of many set-ups at once, one works at a time', async () => {
  // Each enters a folder that only one can make, so that an overlap fails it.
  const work = `
    const { mkdirSync, rmdirSync } = await import('node:fs')
    mkdirSync('${folder}/inside'); await new Promise((go) => setTimeout(go, 20)); rmdirSync('${folder}/inside')`
  const codes = await Promise.all(Array.from({ length: 6 }, () => setUp(work)))
  expect(codes).toEqual([0, 0, 0, 0, 0, 0])
  expect(readdirSync(folder)).toEqual([])
})

test('the lock of a dead process is taken over, by one at a time', async () => {
  writeFileSync(lock, String(await deadPid()))
  const work = `
    const { mkdirSync, rmdirSync } = await import('node:fs')
    mkdirSync('${folder}/inside'); await new Promise((go) => setTimeout(go, 20)); rmdirSync('${folder}/inside')`
  expect(await Promise.all(Array.from({ length: 6 }, () => setUp(work)))).toEqual([0, 0, 0, 0, 0, 0])
})

test('a set-up that fails leaves no lock', async () => {
  expect(await setUp(`throw new Error('no network')`)).toBe(1)
  expect(readdirSync(folder)).toEqual([])
})

function setUp(work: string): Promise<number | null> {
  const program = `const { withLock } = await import('${lockModule}'); await withLock('${lock}', () => {}, async () => {${work}})`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' })
  return new Promise((resolve) => child.once('exit', resolve))
}

function deadPid(): Promise<number | undefined> {
  const child = spawn('true')
  return new Promise((resolve) => child.once('exit', () => resolve(child.pid)))
}

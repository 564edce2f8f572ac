import { linkSync, mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** Runs `work` while no other set-up on this machine does; the lock of a process that died is taken over. */
export async function withLock(path, onWait, work) {
  mkdirSync(dirname(path), { recursive: true })
  let told = false
  while (!take(path)) {
    const holder = holderOf(path)
    if (holder === undefined || !isAlive(holder)) dropAbandoned(path)
    else {
      if (!told) onWait(holder)
      told = true
      await pause(200)
    }
  }
  try {
    return await work()
  } finally {
    rmSync(path, { force: true })
  }
}

// A link appears with its content, so nobody ever reads a lock without a holder.
function take(path) {
  const claim = `${path}.${process.pid}`
  writeFileSync(claim, String(process.pid))
  try {
    linkSync(claim, path)
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    return false
  } finally {
    rmSync(claim, { force: true })
  }
}

// Two that find the same dead holder must not both remove a lock: the slower one would remove the quicker one's new lock.
function dropAbandoned(path) {
  const guard = `${path}.takeover`
  try {
    mkdirSync(guard)
  } catch {
    if (ageMs(guard) > 10_000) rmSync(guard, { recursive: true, force: true })
    return
  }
  const holder = holderOf(path)
  if (holder !== undefined && !isAlive(holder)) rmSync(path, { force: true })
  rmdirSync(guard)
}

function holderOf(path) {
  try {
    return Number(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function ageMs(path) {
  try {
    return Date.now() - statSync(path).mtimeMs
  } catch {
    return 0
  }
}

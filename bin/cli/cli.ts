import { randomUUID } from 'node:crypto'
import { userInfo } from 'node:os'
import { type Command, InvalidArgumentError } from 'commander'
import { z } from 'zod'
import { type AdminClient, CliError, createAdminClient, findDoor } from './client.ts'

/** What a command has found out: as JSON, or as text for people. */
export interface Found {
  readonly answer: unknown
  readonly text: () => string
}

export interface Cli {
  /** Runs a command against the gateway, and prints what it found or why it failed (exit code 1). */
  run(command: (client: AdminClient) => Promise<Found>): Promise<void>
}

export interface CliDeps {
  readonly environment: NodeJS.ProcessEnv
  readonly asJson: () => boolean
  readonly out: (text: string) => void
  readonly complain: (text: string) => void
  readonly fail: () => void
}

export function createCli({ environment, asJson, out, complain, fail }: CliDeps): Cli {
  return {
    async run(command) {
      try {
        const { answer, text } = await command(createAdminClient(findDoor(environment)))
        out(asJson() ? JSON.stringify(answer, null, 2) : text())
      } catch (error) {
        fail()
        const { code, message } = told(error)
        complain(asJson() ? JSON.stringify({ error: { code, message } }, null, 2) : `${code}: ${message}`)
      }
    },
  }
}

/** Who changes something, and why: kept in the audit log. */
export function withReason(command: Command): Command {
  return command
    .requiredOption('--reason <text>', 'why; the user sees it where credits change')
    .option('--by <name>', 'who; you, unless said otherwise', loginName())
}

/** A whole number of an option, such as `--most`. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('a whole number, without separators.')
  return Number(text)
}

/**
 * A change that must not be made twice, under `key`, or under one that is made up: if no answer comes, the words say how to repeat it safely.
 */
export async function once<Answer>(key: string | undefined, change: (key: string) => Promise<Answer>): Promise<Answer> {
  const id = key ?? `cli_${randomUUID()}`
  try {
    return await change(id)
  } catch (error) {
    if (!(error instanceof CliError) || !['gateway_away', 'not_tollgate'].includes(error.code)) throw error
    throw new CliError(error.code, `${error.message}; it may have been done: repeat it with --key ${id}`)
  }
}

function told(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof CliError) return error
  if (error instanceof z.ZodError)
    return { code: 'not_tollgate', message: `the gateway answers in another shape: ${z.prettifyError(error)}` }
  throw error
}

function loginName(): string {
  try {
    return userInfo().username
  } catch {
    return 'operator'
  }
}

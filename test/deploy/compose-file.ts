import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

export const root = fileURLToPath(new URL('../..', import.meta.url))

/** What this test reads of a service; the file as a whole is held against the specification's schema. */
export interface Service {
  readonly image?: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly volumes?: readonly string[]
  readonly healthcheck?: { readonly test: readonly string[] }
}

export interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, object>>
}

/** The compose file with its variables filled in, as Compose does: `${NAME:-otherwise}`, and `${NAME:?why}` which must be set. */
export function readCompose(variables: Readonly<Record<string, string>>): ComposeFile {
  return filled(parse(readFileSync(`${root}/docker-compose.yml`, 'utf8'), { merge: true })) as ComposeFile

  function filled(value: unknown): unknown {
    if (typeof value === 'string') return value.replaceAll(/\$\{(\w+):([-?])([^}]*)\}/g, variable)
    if (Array.isArray(value)) return value.map(filled)
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, filled(each)]))
  }

  function variable(_: string, name: string, kind: string, rest: string): string {
    const value = variables[name] ?? ''
    if (value !== '') return value
    if (kind === '?') throw new Error(`${name}: ${rest}`)
    return rest
  }
}

/** The names that .env.example offers, and those that it only mentions: the compose file sets them itself, or they are for programs outside of it. */
export function variablesOffered(): string[] {
  return [...readFileSync(`${root}/.env.example`, 'utf8').matchAll(/^(\w+)=/gm)].map(([, name]) => name!)
}
export function variablesMentioned(): string[] {
  return [...readFileSync(`${root}/.env.example`, 'utf8').matchAll(/^# (\w+)=$/gm)].map(([, name]) => name!)
}

/** The names that the compose file takes from .env, and those without which Compose refuses to start. */
export function variablesTaken(): string[] {
  const text = readFileSync(`${root}/docker-compose.yml`, 'utf8')
  return [...new Set([...text.matchAll(/\$\{(\w+):/g)].map(([, name]) => name!))]
}
export function variablesRequired(): string[] {
  const text = readFileSync(`${root}/docker-compose.yml`, 'utf8')
  return [...new Set([...text.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name!))]
}

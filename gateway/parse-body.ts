import { type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser'
import type { CallError } from './openai-error.ts'

export type Body =
  | { readonly ok: true; readonly value: unknown; readonly bytes: Buffer }
  | { readonly ok: false; readonly error: CallError }

/** Parses a JSON body; `bytes` undefined is one that was too long. What is no JSON is refused with the place where it stops being so. */
export function parseBody(bytes: Buffer | undefined, maxBytes: number): Body {
  if (bytes === undefined)
    return {
      ok: false,
      error: { code: 'body_too_large', message: `a request may have at most ${maxBytes} bytes` },
    }
  const text = bytes.toString()
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { ok: false, error: { code: 'malformed_json', message: `the request is no JSON: ${whereBroken(text)}` } }
  }
  if (!isTooDeep(value)) return { ok: true, value, bytes }
  return { ok: false, error: { code: 'malformed_json', message: `the request is nested more than ${deepest} deep` } }
}

/** No request needs more, and what reads and writes it further on recurses. */
const deepest = 200

function isTooDeep(value: unknown, room = deepest + 1): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (room === 0) return true
  if (Array.isArray(value)) return value.some((inner) => isTooDeep(inner, room - 1))
  for (const name in value) if (isTooDeep((value as Record<string, unknown>)[name], room - 1)) return true
  return false
}

/** JSON.parse decides; its messages often name no position, so a second parser says where. */
function whereBroken(text: string): string {
  const errors: ParseError[] = []
  try {
    parseTree(text, errors, { disallowComments: true, allowTrailingComma: false, allowEmptyContent: false })
  } catch {
    // It recurses, and a body may be nested deeper than the stack.
    return 'nested too deep'
  }
  const [first] = errors
  const lines = text.slice(0, first?.offset ?? text.length).split('\n')
  const reason =
    first === undefined
      ? 'not JSON'
      : printParseErrorCode(first.error)
          .replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter}`)
          .toLowerCase()
  return `${reason} at line ${lines.length}, column ${lines.at(-1)!.length + 1}`
}

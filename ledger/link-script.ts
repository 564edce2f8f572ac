/**
 * One script from a body and the definitions that it needs, directly or by way of others. Redis runs a script from its first line at every call, so
 * each function that it does not use would be made, and thrown away, for nothing. A definition is a `local` that starts a line of `shared`,
 * with all up to the next one; it may use only those before it. Comments are left out.
 */
export function linkScript(shebang: string, shared: string, body: string): string {
  const own = withoutComments(body)
  const needed: string[] = []
  let using = own
  for (const definition of definitionsOf(withoutComments(shared)).toReversed()) {
    if (!definition.names.some((name) => uses(using, name))) continue
    needed.unshift(definition.text)
    using += definition.text
  }
  return [shebang, ...needed, own].join('\n')
}

interface Definition {
  readonly names: readonly string[]
  readonly text: string
}

function definitionsOf(lua: string): readonly Definition[] {
  const texts = lua.split(/^(?=local )/m).filter((text) => text.trim() !== '')
  return texts.map((text) => {
    const [, ofFunction, ofValues] = /^local (?:function (\w+)|([\w, ]+?) *=)/.exec(text) ?? []
    const names = ofFunction === undefined ? ofValues?.split(/, */) : [ofFunction]
    if (names === undefined) throw new SyntaxError(`not a definition: ${text}`)
    return { names, text: text.trim() }
  })
}

function uses(lua: string, name: string): boolean {
  return new RegExp(`\\b${name}\\b`).test(lua)
}

function withoutComments(lua: string): string {
  return lua
    .replaceAll(/--\[\[[^]*?\]\]/g, '')
    .replaceAll(/^ *--.*\n/gm, '')
    .replaceAll(/\n{2,}/g, '\n')
    .trim()
}

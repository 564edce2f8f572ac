import { expect, test } from 'vitest'
import { linkScript } from '../../ledger/link-script.ts'

const shared = `--[[ On top: what all share. ]]
local call = redis.call

--[[ Speaks of unused. ]]
local function used(x)
  -- unused would do as well
  return helper and call('PING') or x
end

local function unused() return 'never' end
local first, second = 1, 2
`

test('a script gets what it uses, and what that uses, in the order in which it was written', () => {
  expect(linkScript('#!lua', `local helper = 1\n${shared}`, 'return used(1)')).toBe(
    [
      '#!lua',
      'local helper = 1',
      'local call = redis.call',
      "local function used(x)\n  return helper and call('PING') or x\nend",
      'return used(1)',
    ].join('\n'),
  )
})

test('of values that are defined together one is enough', () => {
  expect(linkScript('#!lua', shared, 'return second')).toBe('#!lua\nlocal first, second = 1, 2\nreturn second')
})

test('a script that uses nothing is alone, and a part of a name is not the name', () => {
  expect(linkScript('#!lua', shared, '-- used\nreturn unusedToo')).toBe('#!lua\nreturn unusedToo')
})

test('a statement that is no definition cannot be linked', () => {
  expect(() => linkScript('#!lua', 'redis.call("PING")', 'return 1')).toThrow(SyntaxError)
})

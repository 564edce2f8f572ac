import { describe, expect, test } from 'vitest'
import { mixes } from './mixes.ts'
import { type RuleName, ruleNames, rules, rulesWithout } from './rules.ts'
import { fieldBugs, seedsWithout } from './seeds.ts'
import { simulate } from './simulate.ts'

/** A good part of what `node test/model/run.ts --runs 10000` does, on other seeds. */
const runs = 540

test('no fault that the protocol answers breaks the books', { timeout: 600_000 }, () => {
  const broken = Array.from({ length: runs }, (_, index) => simulate(index + 1)).filter((run) => run.broken !== null)
  expect(broken.map(({ seed, mix, broken: how }) => `seed ${seed} (${mix}): ${how}`)).toEqual([])
})

test('a run follows from its seed alone, also when its story is told', () => {
  for (const { name } of mixes) {
    const { story, ...run } = simulate(7, { mix: name, story: true })
    expect(simulate(7, { mix: name })).toEqual({ ...run, story: [] })
    expect(story.length).toBeGreaterThan(10)
  }
})

describe('every rule that is left out breaks the books of its seed', () => {
  test.each(Object.entries(seedsWithout))('%s', { timeout: 60_000 }, (name, { seed, mix }) => {
    expect(simulate(seed, { mix, rules: rulesWithout(name as RuleName) }).broken).not.toBeNull()
    expect(simulate(seed, { mix }).broken).toBeNull()
  })

  test('and each rule that is said to do so has one', () => {
    const failing = ruleNames.filter((name) => rules[name].evidence === 'fails')
    expect(Object.keys(seedsWithout).toSorted()).toEqual(failing.toSorted())
  })
})

test.each(fieldBugs)('$what', ({ seed, mix }) => {
  expect(simulate(seed, { mix }).broken).toBeNull()
})

test('the story of a broken run tells only what concerns the account', () => {
  const { seed, mix } = seedsWithout.keptUntilJournal
  const { broken, story } = simulate(seed, { mix, rules: rulesWithout('keptUntilJournal'), story: true })
  const [, work, account] = /^(\w+ \d+) of (\w+):/.exec(broken!)!
  expect(story.filter((line) => line.includes(work!)).length).toBeGreaterThan(0)
  const other = account === 'ann' ? 'ben' : 'ann'
  expect(story.filter((line) => line.includes(`${other} `))).toEqual([])
})

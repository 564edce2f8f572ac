import { describe, expect, test } from 'vitest'
import { mixes } from './mixes.ts'
import { type RuleName, ruleNames, rules, rulesWithout } from './rules.ts'
import { fieldBugs, figuresWithout, type Seed, seedsWithout } from './seeds.ts'
import { simulate } from './simulate.ts'

/** A good part of what `node test/model/run.ts --runs 10000` does, on other seeds. */
const runs = 1_350

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

describe('every rule that is left out', () => {
  test.each<[string, Seed]>(Object.entries(seedsWithout))(
    'breaks the books of its seed: %s',
    { timeout: 60_000 },
    (name, { seed, mix, besides = [] }) => {
      expect(simulate(seed, { mix, rules: rulesWithout(name as RuleName, ...besides) }).broken).not.toBeNull()
      expect(simulate(seed, { mix, rules: rulesWithout(...besides) }).broken).toBeNull()
      expect(simulate(seed, { mix }).broken).toBeNull()
    },
  )

  test.each(Object.entries(figuresWithout))(
    'makes a figure worse: %s',
    { timeout: 120_000 },
    (name, { mix, runs: many, figure, times }) => {
      const sumOf = (without: readonly RuleName[]): number =>
        Array.from({ length: many }, (_, index) => simulate(index + 1, { mix, rules: rulesWithout(...without) }))
          .map(({ figures }) => figures[figure])
          .reduce((total, one) => total + one, 0)
      expect(sumOf([name as RuleName]) / sumOf([])).toBeGreaterThan(times)
    },
  )

  test('does one of both, as is said of it', () => {
    const named = (kind: string): string[] => ruleNames.filter((name) => rules[name].evidence === kind).toSorted()
    const seeds = Object.entries<Seed>(seedsWithout)
    const alone = seeds.filter(([, { besides }]) => besides === undefined)
    expect(alone.map(([name]) => name).toSorted()).toEqual(named('fails'))
    expect(seeds.map(([name]) => name).toSorted()).toEqual([...named('fails'), ...named('behind')].toSorted())
    expect(Object.keys(figuresWithout).toSorted()).toEqual(named('figure'))
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

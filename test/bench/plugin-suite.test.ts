import { expect, test } from 'vitest'
import { pluginSuite } from '../../bench/plugin.ts'

test('the suite plugin measures activities with and without the plugin, and bills those over each other as their union', async () => {
  const { figures } = await pluginSuite({ quick: true, say: () => {} })
  expect(figures.filter(({ value }) => !Number.isFinite(value))).toEqual([])
  const goals = figures.filter(({ goal }) => goal !== null).map(({ name, goal }) => [name, goal])
  expect(Object.fromEntries(goals)).toEqual(
    Object.fromEntries([
      ['an activity: added in the worker, median', { atMost: 1 }],
      ...['one that the catalogue does not name', 'a free one', 'a priced one'].flatMap((kind) => [
        [`${kind}: added in the worker, median`, { atMost: 1 }],
        [`${kind}: events added to the history`, { atMost: 0 }],
      ]),
      ['three at once: billed besides the union, worst run', { atMost: 1 }],
    ]),
  )
  // What does not depend on how busy the machine is
  expect(figures.filter(({ name }) => name.endsWith('events added to the history')).map(({ value }) => value)).toEqual([
    0, 0, 0,
  ])
  const value = (name: string): number => figures.find((figure) => figure.name === name)!.value
  expect(value('three at once: billed, per run')).toBeLessThan(value('three at once: their sum, per run') - 100)
}, 240_000)

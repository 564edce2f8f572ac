import { parseArgs } from 'node:util'
import { mixes } from './mixes.ts'
import { type RuleName, ruleNames, rulesWithout } from './rules.ts'
import { simulate } from './simulate.ts'

/** `node test/model/run.ts [--runs 10000] [--from 1] [--seed n --story] [--mix name] [--without rule] [--first]`: docs/protocol-model.md. */
const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '1000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    mix: { type: 'string' },
    without: { type: 'string', multiple: true, default: [] },
    story: { type: 'boolean', default: false },
    first: { type: 'boolean', default: false },
  },
})
for (const name of values.without)
  if (!ruleNames.includes(name as RuleName)) throw new RangeError(`no rule is called ${name}`)
if (values.mix !== undefined && !mixes.some((mix) => mix.name === values.mix))
  throw new RangeError(`no mix is called ${values.mix}`)

const rules = rulesWithout(...(values.without as RuleName[]))
const from = Number(values.seed ?? values.from)
const runs = values.seed === undefined ? Number(values.runs) : 1
const startedMs = performance.now()
const sums = new Map<
  string,
  {
    runs: number
    broken: number
    steps: number
    works: number
    charged: number
    uncollected: number
    corrections: number
    repairs: number
  }
>()
let broken = 0
for (let seed = from; seed < from + runs; seed += 1) {
  const run = simulate(seed, { rules, mix: values.mix, story: values.story })
  const sum = sums.get(run.mix) ?? {
    runs: 0,
    broken: 0,
    steps: 0,
    works: 0,
    charged: 0,
    uncollected: 0,
    corrections: 0,
    repairs: 0,
  }
  sums.set(run.mix, sum)
  sum.runs += 1
  sum.steps += run.steps
  sum.works += run.figures.works
  sum.charged += run.figures.charged
  sum.uncollected += run.figures.uncollected
  sum.corrections += run.figures.corrections
  sum.repairs += run.figures.repairs
  if (run.broken === null) continue
  sum.broken += 1
  broken += 1
  if (broken <= 20) console.log(`seed ${seed} (${run.mix}): ${run.broken}`)
  for (const line of run.story) console.log(`  ${line}`)
  if (values.first) break
}
console.table(Object.fromEntries(sums))
const seconds = (performance.now() - startedMs) / 1000
console.log(`${broken} of ${runs} runs broke the books; ${seconds.toFixed(1)} s`)
process.exitCode = broken === 0 ? 0 : 1

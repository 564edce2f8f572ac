import type { ReactNode } from 'react'
import { type Usage, type UsageLine, useCredits, useExpanded } from '../../../react/index.ts'
import { Scroll } from '../../scroll.tsx'
import { t } from '../../words.ts'
import { groupings } from './selection.ts'

interface Row extends Pick<UsageLine, 'key' | 'label' | 'credits' | 'quantity' | 'unit' | 'local'> {
  readonly depth: number
  readonly isParent: boolean
}

export interface UsageTableProps {
  readonly usage: Usage
  readonly isExact: boolean
  /** Lines that are open stay so through a reload. */
  readonly rememberAs: string
}

/** The tree of a period as a table; lines open down to the model. Lines of zero stay. */
export function UsageTable({ usage, isExact, rememberAs }: UsageTableProps): ReactNode {
  const { formats } = useCredits()
  const { expanded, toggle } = useExpanded(rememberAs)
  const amount = isExact ? formats.exact : formats.spend
  const quantity = ({ quantity, unit }: Row): string => {
    if (quantity === null) return ''
    if (unit === 'ms') return quantity === 0 ? '0' : formats.duration(quantity)
    const words = { tokens: 'usage.unit.tokens', tasks: 'usage.unit.tasks', calls: 'usage.unit.calls' } as const
    const word = words[unit as keyof typeof words]
    return word === undefined ? formats.count(quantity) : t(word, { count: formats.count(quantity) })
  }
  return (
    <Scroll label={t('usage.table')}>
      <table data-ledger-version={usage.ledgerVersion}>
        <thead>
          <tr>
            <th scope="col">{t(`group.${groupings.find((each) => each === usage.groupBy) ?? 'category'}`)}</th>
            <th scope="col" className="number">
              {t('usage.quantity')}
            </th>
            <th scope="col" className="number">
              {t('usage.credits')}
            </th>
            <th scope="col" className="number">
              {t('usage.share')}
            </th>
          </tr>
        </thead>
        <tbody>
          {rowsOf(usage.rows, expanded).map((row) => (
            <tr key={row.key} data-key={row.key}>
              <th scope="row" data-depth={row.depth}>
                {row.isParent ? (
                  <button
                    type="button"
                    className="disclosure"
                    aria-expanded={expanded.has(row.key)}
                    onClick={() => toggle(row.key)}
                  >
                    {row.label}
                  </button>
                ) : (
                  row.label
                )}
                {row.local === true && <small className="cr-soft"> {t('usage.local')}</small>}
              </th>
              <td className="number">{quantity(row)}</td>
              <td className="number" title={formats.exact(row.credits)}>
                {amount(row.credits)}
              </td>
              <td className="number">{formats.share(row.credits, usage.total)}</td>
            </tr>
          ))}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">{t('usage.total')}</th>
            <td />
            <td className="number" title={formats.exact(usage.total)}>
              {amount(usage.total)}
            </td>
            <td />
          </tr>
        </tfoot>
      </table>
      <p className="cr-soft">{t('usage.rounding')}</p>
    </Scroll>
  )
}

function rowsOf(lines: readonly UsageLine[], expanded: ReadonlySet<string>, depth = 0): Row[] {
  return lines.flatMap((line) => {
    const { children = [], ...rest } = line
    const row: Row = { ...rest, depth, isParent: children.length > 0 }
    return [row, ...(expanded.has(line.key) ? rowsOf(children, expanded, depth + 1) : [])]
  })
}

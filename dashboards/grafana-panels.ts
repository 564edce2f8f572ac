export interface Query {
  readonly expr: string
  readonly legend: string
}

export interface Panel {
  readonly title: string
  /** What the figure means, where the title does not say it. */
  readonly about?: string
  readonly kind: 'stat' | 'lines' | 'stacked'
  /** Grafana's name of the unit. */
  readonly unit: string
  /** A stat turns red above it. */
  readonly redAbove?: number
  readonly queries: readonly (string | Query)[]
}

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

const columns = 24
const datasource = { type: 'prometheus', uid: 'prometheus' }

/** A Grafana dashboard: rows one below the other, the panels of a row side by side, at most six stats or three charts. */
export function layOut(title: string, rows: readonly Row[]): object {
  let y = 0
  let id = 0
  const panels = rows.flatMap((row) => {
    const header = {
      id: (id += 1),
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: columns, h: 1 },
    }
    y += 1
    let x = 0
    const placed = row.panels.map((panel) => {
      const { w, h } = panel.kind === 'stat' ? { w: 4, h: 4 } : { w: 8, h: 8 }
      if (x + w > columns) {
        x = 0
        y += h
      }
      const gridPos = { x, y, w, h }
      x += w
      return { id: (id += 1), gridPos, ...panelOf(panel) }
    })
    y += placed.at(-1)!.gridPos.h
    return [header, ...placed]
  })
  return {
    uid: 'tollgate',
    title,
    tags: ['tollgate'],
    schemaVersion: 39,
    editable: true,
    time: { from: 'now-3h', to: 'now' },
    refresh: '10s',
    panels,
  }
}

function panelOf({ title, about = '', kind, unit, redAbove, queries }: Panel) {
  const steps =
    redAbove === undefined
      ? [{ color: 'green', value: null }]
      : [
          { color: 'green', value: null },
          { color: 'red', value: redAbove + Number.EPSILON },
        ]
  return {
    title,
    description: about,
    type: kind === 'stat' ? 'stat' : 'timeseries',
    datasource,
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        thresholds: { mode: 'absolute', steps },
        custom: kind === 'stacked' ? { stacking: { mode: 'normal' }, fillOpacity: 30 } : {},
      },
      overrides: [],
    },
    targets: queries.map((query, index) => {
      const { expr, legend } = typeof query === 'string' ? { expr: query, legend: '' } : query
      return { refId: String.fromCharCode(65 + index), datasource, expr, legendFormat: legend }
    }),
  }
}

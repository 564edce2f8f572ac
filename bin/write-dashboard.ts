import { writeFileSync } from 'node:fs'

import { dashboard } from '../dashboards/tollgate.ts'

// Run after a change of dashboards/tollgate.ts: npx node bin/write-dashboard.ts && npm run format
const file = new URL('../dashboards/grafana/tollgate.json', import.meta.url)
writeFileSync(file, `${JSON.stringify(dashboard, null, 2)}\n`)

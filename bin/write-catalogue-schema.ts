import { writeFileSync } from 'node:fs'

import { jsonSchemaOfCatalogue } from '../credits/catalogue-schema.ts'

// Run after a change of credits/catalogue-schema.ts: npx node bin/write-catalogue-schema.ts && npm run format
const file = new URL('../catalogue.schema.json', import.meta.url)
writeFileSync(file, `${JSON.stringify(jsonSchemaOfCatalogue(), null, 2)}\n`)

#!/usr/bin/env node
// The command `tollgate`. A checkout runs as it is; of an installed package Node strips no types, so there the built code runs.
await import(import.meta.url.includes('/node_modules/') ? '../dist/bin/tollgate.js' : './tollgate.ts')

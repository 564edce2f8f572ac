import { fileURLToPath } from 'node:url'

export const workflowsPath = fileURLToPath(new URL('./workflows.ts', import.meta.url))

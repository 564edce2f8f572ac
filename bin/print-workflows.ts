// Prints the workflows as one file of code.
import { bundleWorkflows } from './bundle-workflows.ts'

const { code } = await bundleWorkflows()
process.stdout.write(code)

export { answer } from './answer.ts'
export { conversation } from './conversation.ts'
export { dailyReport } from './daily-report.ts'
export { research } from './research.ts'

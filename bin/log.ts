import { pino, type Logger } from 'pino'

export type Log = Logger

/** One JSON object a line on standard error: standard output is for what people asked to see. */
export function createLog(level: string): Log {
  return pino({ level }, pino.destination({ dest: 2, sync: true }))
}

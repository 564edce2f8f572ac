import { beatEveryMs } from './beat-every-ms.ts'

setInterval(() => postMessage(null), beatEveryMs)

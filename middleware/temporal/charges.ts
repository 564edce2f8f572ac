import type { Gate } from '../gate.ts'
import type { Meters } from '../meter.ts'
import type { Outbox } from '../outbox/outbox.ts'
import type { WaitingRoom } from '../waiting-room.ts'

/** Where the plugin reserves and charges: a process' gate, and the outbox behind it. */
export interface Charges {
  readonly open: Gate['open']
  /** What was done is booked, and never refused: noted on disk first, then sent until the ledger has it. Once per id. */
  readonly settle: Outbox['settle']
  /** Bill what runs. Whoever made them closes them, before the gate. */
  readonly meters: Pick<Meters, 'run' | 'setsAside'>
  /** Where runs wait that are out of credits. */
  readonly waitingRoom: WaitingRoom
}

import { type AccountFigures, availableOf, rawOf, remainingOf, roomOf } from '../../credits/balance.ts'
import { birthOf } from '../../credits/charge-id.ts'
import type { Micro } from '../../credits/money.ts'
import type { Receipt } from '../../credits/receipt.ts'
import type { AtLimit, BudgetWindow, Terms } from '../../credits/terms.ts'
import { type Quantities, type RowTotals, noQuantities, quantityNames, rowKey } from '../../credits/usage-row.ts'
import { deadlineMember, parseDeadlineMember, shardOf } from '../../ledger/keys.ts'
import type {
  Denied,
  Evidence,
  FoundCharge,
  Ledger,
  LedgerOptions,
  NotLoaded,
  SettleRequest,
  StreamedReceipt,
} from '../../ledger/ledger.ts'

interface Book {
  readonly epoch: number
  spent: number
  held: number
  free: number
  counted: number
  rows: Map<string, RowTotals>
}

interface Account {
  lineage: number
  seq: number
  n: number
  drained: number
  acked: number
  corrections: number
  bornIn: number
  version: number
  undrained: number
  knownSinceMs: number
  quarantine: number
  quarantineUntilMs: number
  terms: Terms
  current: Book
  earlier: Book[]
  /** `level|window` → figures. */
  windows: Map<string, { spent: number; held: number }>
}

interface Hold {
  state: 'active' | 'settled' | 'expired' | 'released'
  asked: number
  amount: number
  accrued: number
  epoch: number
  row: string
  windows: readonly string[]
  charged: number
  uncollected: number
  birthMs: number
  n: number
  forgetAtMs: number
}

type Rise = StreamedReceipt & { readonly rise: number }

/** Meters, waiters and sessions move no money: measure.test.ts, waiters.test.ts and session.test.ts have what holds for them. */
export type MoneyLedger = Omit<
  Ledger,
  'measure' | 'wait' | 'popWaiters' | 'stopWaiting' | 'session' | 'readSessions' | 'openSessions'
>

export interface ModelLedger extends MoneyLedger {
  /** Everything but the clock is gone. */
  lose(): void
}

/** The rules of the ledger protocol in plain TypeScript and in memory, written apart from the scripts: what real Redis is compared with. */
export function createModelLedger(options: LedgerOptions, nowMs: () => number): ModelLedger {
  const tombstoneMs = options.tombstoneMs ?? 600_000
  const slackMs = options.slackMs ?? 60_000
  const accounts = new Map<string, Account>()
  const holds = new Map<string, Hold>()
  const deadlines = new Map<string, number>()
  const dirty = new Map<string, number>()
  /** Loaded accounts and when they were last checked. */
  const loaded = new Map<string, number>()
  const locks = new Map<string, string>()
  let stream: Rise[] = []
  let streamed = 0

  const micro = (amount: number): Micro => amount as Micro
  const notLoaded: NotLoaded = { status: 'account_not_loaded' }
  const holdOf = (name: { accountId: string; id: string }): Hold | undefined => {
    const key = deadlineMember(name.accountId, name.id)
    if ((holds.get(key)?.forgetAtMs ?? Number.POSITIVE_INFINITY) <= nowMs()) holds.delete(key)
    return holds.get(key)
  }
  const figuresOf = (account: Account): AccountFigures => ({
    epoch: account.terms.epoch,
    granted: account.terms.granted,
    used: account.terms.used,
    spent: micro(account.current.spent),
    held: micro(account.current.held),
    earlier: account.earlier.map((book) => ({
      epoch: book.epoch,
      spent: micro(book.spent),
      held: micro(book.held),
      free: micro(book.free),
      counted: micro(book.counted),
    })),
    quarantine: micro(nowMs() < account.quarantineUntilMs ? account.quarantine : 0),
  })
  const bookOf = (account: Account, epoch: number): Book | undefined =>
    [account.current, ...account.earlier].find((book) => book.epoch === epoch)
  /** Free work holds nothing, and its epoch may be gone. */
  const bookOfHold = (account: Account, hold: Hold): Book => bookOf(account, hold.epoch) ?? account.current
  const isDepleted = (figures: AccountFigures): boolean => remainingOf(figures) < options.depletedBelow
  const reached = (account: Account): boolean =>
    typeof options.exposureCap === 'number' && account.undrained >= options.exposureCap

  function meetUnknown(account: Account, birthMs: number, evidence?: Evidence): 'new' | 'ask' | FoundCharge {
    const now = nowMs()
    const young = evidence !== undefined && evidence.nowMs <= now && now - evidence.nowMs < tombstoneMs / 2
    if (young && evidence.lineage === account.lineage) return evidence.found ?? 'new'
    const oldest = Math.max(now - tombstoneMs, account.knownSinceMs) + slackMs
    return birthMs >= oldest && birthMs <= now + slackMs ? 'new' : 'ask'
  }

  const budgetOf = (account: Account, level: string) => account.terms.budgets.find((one) => one.level === level)

  function windowsOf(account: Account, levels: readonly string[]): readonly string[] {
    return [...new Set(levels)].map((level) => {
      const window = budgetOf(account, level)?.window ?? 'month'
      return `${level}|${windowName(window, nowMs() + account.terms.utcOffsetMs)}`
    })
  }

  function windowFigures(account: Account, name: string): { spent: number; held: number } {
    const known = account.windows.get(name) ?? { spent: 0, held: 0 }
    account.windows.set(name, known)
    return known
  }

  function move(account: Account, windows: readonly string[], change: { spent: number; held: number }): void {
    for (const name of windows) {
      const figures = windowFigures(account, name)
      figures.spent = Math.max(0, figures.spent + change.spent)
      figures.held += change.held
    }
  }

  function tightest(account: Account, windows: readonly string[], refusing: readonly AtLimit[]) {
    let least: { level: string; left: number } | undefined
    for (const name of windows) {
      const [level, window] = name.split('|') as [string, string]
      const budget = budgetOf(account, level)
      if (budget === undefined || !refusing.includes(budget.atLimit)) continue
      if (window[0] !== windowName(budget.window, 0)[0]) continue
      const { spent, held } = account.windows.get(name) ?? { spent: 0, held: 0 }
      const left = Math.max(0, budget.limit - spent - held)
      if (least === undefined || left < least.left) least = { level, left }
    }
    return least
  }

  function touch(accountId: string, account: Account, before: number): void {
    const after = remainingOf(figuresOf(account))
    const marks = [...account.terms.alertsAt, options.depletedBelow - 1]
    if (marks.some((mark) => before > mark && after <= mark)) dirty.set(accountId, 0)
    else if (!dirty.has(accountId)) dirty.set(accountId, nowMs())
  }

  interface Booking {
    readonly accountId: string
    readonly id: string
    readonly kind: Receipt['kind']
    readonly calledIn: number
    readonly row: string
    readonly windows: readonly string[]
    readonly actual: number
    readonly quantities: Quantities
    readonly detail: Receipt['detail']
    readonly before: { readonly charged: number; readonly uncollected: number; readonly quantities: Quantities }
    /** What the call itself holds in its book. */
    readonly hold: number
    readonly drawQuarantine: boolean
  }

  function book(account: Account, booking: Booking): { charged: number; uncollected: number; epoch: number } {
    const { actual, before, windows, row, kind } = booking
    const remainingBefore = remainingOf(figuresOf(account))
    const target = bookOf(account, booking.calledIn) ?? account.current
    target.held -= booking.hold
    if (nowMs() >= account.quarantineUntilMs) account.quarantine = 0
    if (booking.drawQuarantine) account.quarantine -= Math.min(account.quarantine, Math.max(0, actual - before.charged))
    const room = roomOf(figuresOf(account), target.epoch)
    const charged = Math.min(actual, before.charged + room)
    const uncollected = actual - charged
    const delta = charged - before.charged
    target.spent += delta
    account.undrained += Math.max(0, delta)
    account.seq += 1
    account.n += 1
    account.version += 1
    move(account, windows, { spent: delta, held: -booking.hold })
    const old = target.rows.get(row) ?? { charged: micro(0), uncollected: micro(0), ...noQuantities }
    const quantities = Object.fromEntries(
      quantityNames.map((name) => [name, old[name] + booking.quantities[name] - before.quantities[name]]),
    ) as unknown as Quantities
    target.rows.set(row, {
      charged: micro(old.charged + delta),
      uncollected: micro(old.uncollected + uncollected - before.uncollected),
      ...quantities,
    })
    streamed += 1
    stream.push({
      entryId: String(streamed),
      rise: Math.max(0, delta),
      receipt: {
        accountId: booking.accountId,
        id: booking.id,
        kind,
        epoch: target.epoch,
        calledIn: booking.calledIn,
        row,
        quantities: booking.quantities,
        charged: micro(charged),
        uncollected: micro(uncollected),
        windows: windows as Receipt['windows'],
        lineage: account.lineage,
        n: account.n,
        atMs: nowMs(),
        detail: booking.detail,
      },
    })
    touch(booking.accountId, account, remainingBefore)
    return { charged, uncollected, epoch: target.epoch }
  }

  function remember(name: { accountId: string; id: string }, change: Partial<Hold>): void {
    const member = deadlineMember(name.accountId, name.id)
    const blank: Hold = {
      state: 'settled',
      asked: 0,
      amount: 0,
      accrued: 0,
      epoch: 0,
      row: '',
      windows: [],
      charged: 0,
      uncollected: 0,
      birthMs: birthOf(name.id),
      n: 0,
      forgetAtMs: Number.POSITIVE_INFINITY,
    }
    holds.set(member, { ...(holds.get(member) ?? blank), ...change })
    if (change.state !== undefined && change.state !== 'active') deadlines.delete(member)
  }

  function requestBooking(request: SettleRequest, account: Account) {
    const { accountId, id, actual, quantities, detail, began } = request
    return {
      accountId,
      id,
      kind: 'settled' as const,
      calledIn: began?.epoch ?? account.current.epoch,
      row: rowKey(request.row),
      windows: began?.windows ?? windowsOf(account, request.levels),
      actual,
      quantities,
      detail,
      before: { charged: 0, uncollected: 0, quantities: noQuantities },
      hold: 0,
      drawQuarantine: true,
    }
  }

  const settledAnswer = (
    status: 'settled' | 'exists',
    result: { charged: number; uncollected: number; epoch: number },
  ) => ({
    status,
    charged: micro(result.charged),
    uncollected: micro(result.uncollected),
    epoch: result.epoch,
  })

  const reading = (account: Account) => ({
    lineage: account.lineage,
    version: account.version,
    termsVersion: account.terms.version,
    card: account.terms.card,
    nowMs: nowMs(),
    ...figuresOf(account),
  })

  return {
    async putTerms(accountId, terms) {
      const account = accounts.get(accountId)
      if (account === undefined) return notLoaded
      if (terms.version <= account.terms.version || terms.epoch < account.current.epoch) return { status: 'older' }
      if (terms.epoch > account.current.epoch) {
        const over = account.current
        account.earlier.push({ ...over, free: 0, counted: Math.max(0, over.spent) })
        account.current = { epoch: terms.epoch, spent: 0, held: 0, free: 0, counted: 0, rows: new Map() }
        if (!dirty.has(accountId)) dirty.set(accountId, nowMs())
        const open = (['day', 'week', 'month'] as const).map((window) =>
          windowName(window, nowMs() + terms.utcOffsetMs),
        )
        for (const [name, { held }] of account.windows) {
          const window = name.split('|')[1]!
          const isOver = open.some((one) => one[0] === window[0] && Number(window.slice(1)) < Number(one.slice(1)))
          if (held === 0 && isOver) account.windows.delete(name)
        }
      }
      for (const known of account.earlier) {
        const named = terms.earlier.find(({ epoch }) => epoch === known.epoch)
        if (named !== undefined) Object.assign(known, { free: named.free, counted: named.counted })
        else known.counted = Math.max(0, known.spent)
      }
      account.terms = terms
      account.version += 1
      return { status: 'put' }
    },

    async reserve(request, evidence) {
      const hold = holdOf(request)
      const { accountId, id, amount, minimum, ttlMs, beside = 0 } = request
      if (hold?.state === 'active') {
        if (hold.asked !== amount) return { status: 'exists_with_different_amount', held: micro(hold.amount) }
        return { status: 'exists', held: micro(hold.amount), epoch: hold.epoch, windows: hold.windows }
      }
      if (hold !== undefined) return { status: 'already_charged', charged: micro(hold.charged) }
      const account = accounts.get(accountId)
      if (account === undefined) return notLoaded
      const met = meetUnknown(account, birthOf(id), evidence)
      if (met === 'ask') return { status: 'ask_journal', lineage: account.lineage, nowMs: nowMs() }
      if (met !== 'new') return { status: 'already_charged', charged: met.charged }
      const figures = figuresOf(account)
      const windows = windowsOf(account, request.levels)
      let give: number = amount
      if (amount > 0) {
        if (reached(account)) return { status: 'backlogged' }
        if (isDepleted(figures)) return { status: 'credits_depleted' }
        const available = availableOf(figures)
        const least = Math.max(1, minimum + beside)
        if (available < least) return { status: 'insufficient_credits', available }
        give = Math.min(amount, available - beside)
        const limit = tightest(account, windows, ['pause', 'stop'])
        if (limit !== undefined) {
          if (limit.left < least) {
            return { status: 'budget_exhausted', level: limit.level, left: micro(limit.left) }
          }
          give = Math.min(give, limit.left - beside)
        }
      }
      account.current.held += give
      account.version += 1
      move(account, windows, { spent: 0, held: give })
      const epoch = account.current.epoch
      remember(request, { state: 'active', asked: amount, amount: give, epoch, row: rowKey(request.row), windows })
      deadlines.set(deadlineMember(accountId, id), nowMs() + ttlMs)
      return { status: 'created', held: micro(give), epoch, windows }
    },

    async extend({ accountId, id, accrued, more, ttlMs }) {
      const hold = holdOf({ accountId, id })
      if (hold?.state !== 'active') return { status: 'hold_not_found' }
      const account = accounts.get(accountId)
      if (account === undefined) return notLoaded
      const target = bookOfHold(account, hold)
      hold.epoch = target.epoch
      const room = roomOf(figuresOf(account), target.epoch)
      const limit = tightest(account, hold.windows, ['stop'])
      const give = Math.min(more, room, limit?.left ?? room)
      let denied: Denied | undefined
      if (more > 0 && room === 0) {
        target.spent += hold.amount
        const depleted = isDepleted(figuresOf(account))
        target.spent -= hold.amount
        denied = depleted ? { status: 'credits_depleted' } : { status: 'insufficient_credits', available: micro(0) }
      } else if (more > 0 && give === 0) {
        denied = { status: 'budget_exhausted', level: limit!.level, left: micro(limit!.left) }
      }
      hold.accrued = Math.max(hold.accrued, accrued)
      hold.amount += give
      deadlines.set(deadlineMember(accountId, id), nowMs() + ttlMs)
      if (give > 0) {
        target.held += give
        account.version += 1
        move(account, hold.windows, { spent: 0, held: give })
      }
      return denied === undefined
        ? { status: 'extended', held: micro(hold.amount) }
        : { ...denied, held: micro(hold.amount) }
    },

    async settle(request, evidence) {
      const hold = holdOf(request)
      if (hold?.state === 'settled' || hold?.state === 'released') return settledAnswer('exists', hold)
      const account = accounts.get(request.accountId)
      if (account === undefined) return notLoaded
      let booking: Booking = requestBooking(request, account)
      if (hold?.state === 'active') {
        const { epoch, windows, amount } = hold
        booking = { ...booking, calledIn: epoch, windows, hold: amount, drawQuarantine: false }
      } else if (hold?.state === 'expired') {
        const { epoch, windows, charged, uncollected } = hold
        const row = hold.n === 0 ? booking.row : hold.row
        const before = { charged, uncollected, quantities: noQuantities }
        booking = { ...booking, calledIn: epoch, row, windows, before, drawQuarantine: false }
      } else {
        const met = meetUnknown(account, birthOf(request.id), evidence)
        if (met === 'ask') return { status: 'ask_journal', lineage: account.lineage, nowMs: nowMs() }
        if (met !== 'new' && met.kind === 'settled') return settledAnswer('exists', met)
        if (met !== 'new') {
          booking = { ...booking, calledIn: met.epoch, row: met.row, windows: met.windows, before: met }
        }
      }
      const result = book(account, booking)
      remember(request, {
        ...result,
        state: 'settled',
        amount: 0,
        n: account.n,
        forgetAtMs: Number.POSITIVE_INFINITY,
      })
      return settledAnswer('settled', result)
    },

    async settleTogether({ accountId, hold: id, keeps, calls }) {
      const hold = holdOf({ accountId, id })
      if (hold?.state !== 'active') return { status: 'hold_not_found' }
      const account = accounts.get(accountId)
      if (account === undefined) return notLoaded
      const { version } = account
      const { windows } = hold
      const calledIn = bookOfHold(account, hold).epoch
      const met = new Set<string>()
      const answers = calls.map((call) => {
        // Named twice in one breath, the second one is left alone
        if (met.has(call.id)) return { status: 'alone' } as const
        const known = holdOf({ accountId, id: call.id })
        if (known?.state === 'settled' || known?.state === 'released') return settledAnswer('exists', known)
        if (known !== undefined || meetUnknown(account, birthOf(call.id)) !== 'new') return { status: 'alone' } as const
        met.add(call.id)
        const paid = Math.min(call.actual, call.part, hold.amount)
        hold.amount -= paid
        const before = { charged: 0, uncollected: 0, quantities: noQuantities }
        const kind = 'settled' as const
        const booking = { ...call, accountId, kind, calledIn, windows, before, hold: paid, drawQuarantine: false }
        const result = book(account, { ...booking, row: rowKey(call.row) })
        remember({ accountId, id: call.id }, { ...result, state: 'settled', n: account.n })
        return settledAnswer('settled', result)
      })
      const surplus = Math.max(0, hold.amount - (keeps ?? hold.amount))
      hold.amount -= surplus
      bookOfHold(account, hold).held -= surplus
      move(account, windows, { spent: 0, held: -surplus })
      if (keeps === 0) {
        const forgetAtMs = Math.max(nowMs(), birthOf(id)) + tombstoneMs
        remember({ accountId, id }, { state: 'released', amount: 0, charged: 0, uncollected: 0, forgetAtMs })
      }
      // Many bookings, one change
      if (keeps === 0 || surplus > 0 || account.version > version) account.version = version + 1
      return { status: 'settled', calls: answers }
    },

    async charge(request, evidence) {
      const { actual, accepted } = request
      const exists = (known: { kind: string; charged: number; uncollected: number; epoch: number }) =>
        known.kind === 'active' || (known.kind === 'settled' && known.charged + known.uncollected !== actual)
          ? ({ status: 'exists_with_different_amount', charged: micro(known.charged) } as const)
          : settledAnswer('exists', known)
      const hold = holdOf(request)
      if (hold !== undefined) return exists({ ...hold, kind: hold.state })
      const account = accounts.get(request.accountId)
      if (account === undefined) return notLoaded
      const met = meetUnknown(account, birthOf(request.id), evidence)
      if (met === 'ask') return { status: 'ask_journal', lineage: account.lineage, nowMs: nowMs() }
      if (met !== 'new') return exists(met)
      const booking = requestBooking(request, account)
      const figures = figuresOf(account)
      if (!accepted && actual > 0) {
        const room = roomOf(figures, (bookOf(account, booking.calledIn) ?? account.current).epoch)
        if (reached(account)) return { status: 'backlogged' }
        if (isDepleted(figures)) return { status: 'credits_depleted' }
        if (room < actual) return { status: 'insufficient_credits', available: room }
        const limit = tightest(account, booking.windows, ['pause', 'stop'])
        if (limit !== undefined && limit.left < actual) {
          return { status: 'budget_exhausted', level: limit.level, left: micro(limit.left) }
        }
      }
      const result = book(account, { ...booking, drawQuarantine: accepted })
      remember(request, { ...result, state: 'settled', n: account.n })
      return settledAnswer('settled', result)
    },

    async release(name, evidence) {
      const hold = holdOf(name)
      if (hold !== undefined && hold.state !== 'active') return { status: 'exists' }
      const account = accounts.get(name.accountId)
      if (account === undefined) return notLoaded
      let epoch = account.current.epoch
      if (hold !== undefined) {
        epoch = hold.epoch
        bookOfHold(account, hold).held -= hold.amount
        account.version += 1
        move(account, hold.windows, { spent: 0, held: -hold.amount })
      } else {
        const met = meetUnknown(account, birthOf(name.id), evidence)
        if (met === 'ask') return { status: 'ask_journal', lineage: account.lineage, nowMs: nowMs() }
        if (met !== 'new') return { status: 'exists' }
      }
      const forgetAtMs = Math.max(nowMs(), birthOf(name.id)) + tombstoneMs
      remember(name, { state: 'released', amount: 0, charged: 0, uncollected: 0, epoch, forgetAtMs })
      return { status: 'released' }
    },

    async expire(name) {
      const hold = holdOf(name)
      const member = deadlineMember(name.accountId, name.id)
      if (hold?.state !== 'active') {
        deadlines.delete(member)
        return { status: 'hold_not_found' }
      }
      const account = accounts.get(name.accountId)
      if (account === undefined) return notLoaded
      if (deadlines.get(member)! > nowMs()) return { status: 'not_due' }
      if (hold.accrued === 0) {
        hold.epoch = bookOfHold(account, hold).epoch
        bookOfHold(account, hold).held -= hold.amount
        account.version += 1
        move(account, hold.windows, { spent: 0, held: -hold.amount })
        remember(name, { state: 'expired', amount: 0, forgetAtMs: Math.max(nowMs(), hold.birthMs) + tombstoneMs })
        return { status: 'expired', charged: micro(0) }
      }
      const result = book(account, {
        ...name,
        kind: 'expired',
        calledIn: hold.epoch,
        row: hold.row,
        windows: hold.windows,
        actual: hold.accrued,
        quantities: noQuantities,
        detail: null,
        before: { charged: 0, uncollected: 0, quantities: noQuantities },
        hold: hold.amount,
        drawQuarantine: false,
      })
      remember(name, { ...result, state: 'expired', amount: 0, n: account.n })
      return { status: 'expired', charged: micro(result.charged) }
    },

    async read(accountId) {
      const account = accounts.get(accountId)
      return account === undefined ? notLoaded : { status: 'loaded', ...reading(account) }
    },

    async snapshot(accountId) {
      if (dirty.has(accountId)) dirty.set(accountId, nowMs())
      return this.inspect(accountId)
    },

    async inspect(accountId) {
      const account = accounts.get(accountId)
      if (account === undefined) return notLoaded
      return {
        status: 'loaded',
        ...reading(account),
        seq: account.seq,
        n: account.n,
        drained: account.drained,
        acked: account.acked,
        corrections: account.corrections,
        bornIn: account.bornIn,
        epochs: [...account.earlier, account.current]
          .toSorted((a, b) => a.epoch - b.epoch)
          .map(({ epoch, rows }) => ({ epoch, rows: Object.fromEntries(rows) })),
        budgets: [...account.windows].map(([name, { spent, held }]) => {
          const [level, window] = name.split('|') as [string, string]
          return { level, window, spent: micro(spent), held: micro(held) }
        }),
      }
    },

    async lock(accountId, token) {
      if (!locks.has(accountId)) locks.set(accountId, token)
      return locks.get(accountId) === token
    },

    async unlock(accountId, token) {
      if (locks.get(accountId) === token) locks.delete(accountId)
    },

    async hydrate({ accountId, token, lineage, terms, epochs, budgets, held, newestBirthMs, journalNowMs }) {
      if (accounts.has(accountId)) return { status: 'present' }
      if (locks.get(accountId) !== token) return { status: 'lock_lost' }
      const bookFor = (epoch: number, free: number, counted: number): Book => {
        const rows = new Map(Object.entries(epochs.find((one) => one.epoch === epoch)?.rows ?? {}))
        const spent = [...rows.values()].reduce((total, { charged }) => total + charged, 0)
        return { epoch, spent, held: 0, free, counted, rows }
      }
      const account: Account = {
        lineage,
        seq: 1,
        n: 0,
        drained: 0,
        acked: 0,
        corrections: 0,
        bornIn: lineage,
        version: nowMs(),
        undrained: 0,
        knownSinceMs: Math.max(nowMs(), Math.min(newestBirthMs, Math.max(nowMs(), journalNowMs) + tombstoneMs)),
        quarantine: 0,
        quarantineUntilMs: nowMs() + (options.quarantineMs ?? 120_000),
        terms,
        current: bookFor(terms.epoch, 0, 0),
        earlier: terms.earlier.map(({ epoch, free, counted }) => bookFor(epoch, free, counted)),
        windows: new Map(
          budgets.map(({ level, window, spent }) => [`${level}|${window}`, { spent: Math.max(0, spent), held: 0 }]),
        ),
      }
      account.quarantine = Math.min(held, Math.max(0, rawOf(figuresOf(account))))
      accounts.set(accountId, account)
      loaded.set(accountId, 0)
      if (!dirty.has(accountId)) dirty.set(accountId, nowMs())
      locks.delete(accountId)
      return { status: 'hydrated' }
    },

    async ackRows(accountId, lineage, seq) {
      const account = accounts.get(accountId)
      if (account === undefined || account.lineage !== lineage || seq > account.seq) return
      account.acked = Math.max(account.acked, seq)
      if (account.acked === account.seq) dirty.delete(accountId)
    },

    async closeEpoch(accountId, lineage, epoch, archivedN) {
      const account = accounts.get(accountId)
      if (account === undefined) return notLoaded
      const target = bookOf(account, epoch)
      if (target === undefined) return { status: 'absent' }
      const isCounted = Math.max(0, target.spent) === target.counted || archivedN === account.n
      const still = target.held === 0 && isCounted
      const known = account.n === account.drained && account.seq === account.acked
      if (target === account.current || account.lineage !== lineage || !still || !known) return { status: 'open' }
      account.earlier = account.earlier.filter((one) => one !== target)
      account.version += 1
      return { status: 'closed' }
    },

    async repair(accountId, { from, to }) {
      const account = accounts.get(accountId)
      if (account === undefined) return notLoaded
      if (account.lineage === to) return { status: 'exists' }
      if (account.lineage !== from) return { status: 'other_lineage', lineage: account.lineage }
      Object.assign(account, { lineage: to, acked: 0, knownSinceMs: nowMs(), version: account.version + 1 })
      dirty.set(accountId, 0)
      loaded.set(accountId, 0)
      return { status: 'repaired' }
    },

    async correct({ accountId, lineage, corrections, seq, rows, windows }) {
      const account = accounts.get(accountId)
      if (account === undefined) return notLoaded
      if (account.lineage !== lineage || account.corrections !== corrections || account.seq < seq) {
        return { status: 'changed' }
      }
      for (const { epoch, row, add } of rows) {
        const target = bookOf(account, epoch)
        if (target === undefined) continue
        const old: Record<keyof RowTotals, number> = target.rows.get(row) ?? {
          charged: 0,
          uncollected: 0,
          ...noQuantities,
        }
        const names = ['charged', 'uncollected', ...quantityNames] as const
        target.rows.set(
          row,
          Object.fromEntries(names.map((name) => [name, old[name] + add[name]])) as unknown as RowTotals,
        )
        target.spent += add.charged
      }
      const openNow = (['day', 'week', 'month', 'total'] as const).map((window) =>
        windowName(window, nowMs() + account.terms.utcOffsetMs),
      )
      for (const { level, window, add } of windows) {
        const name = `${level}|${window}`
        if (!account.windows.has(name) && !openNow.includes(window)) continue
        const figures = windowFigures(account, name)
        figures.spent = Math.max(0, figures.spent + add)
      }
      account.corrections += 1
      account.seq += 1
      account.version += 1
      dirty.set(accountId, 0)
      return { status: 'corrected' }
    },

    async evict(accountId, read) {
      const account = accounts.get(accountId)
      if (account === undefined) return notLoaded
      const moves = [...deadlines.keys()].some((member) => parseDeadlineMember(member).accountId === accountId)
      const known = account.n === account.drained && account.seq === account.acked
      const quiet = account.earlier.length === 0 && figuresOf(account).quarantine === 0 && !locks.has(accountId)
      const untouched = account.lineage === read.lineage && account.version === read.version
      if (moves || !known || !quiet || !untouched) return { status: 'in_use' }
      for (const map of [accounts, dirty, loaded]) map.delete(accountId)
      return { status: 'evicted' }
    },

    async unchecked(shards, { olderThanMs, perShard }) {
      const now = nowMs()
      const sinceOf = (checkedMs: number): number => (checkedMs > now ? 0 : checkedMs)
      const waiting = [...loaded]
        .map(([accountId, checkedMs]) => ({ accountId, checkedMs: sinceOf(checkedMs) }))
        .filter(({ checkedMs }) => checkedMs <= Math.max(0, now - olderThanMs))
        .toSorted((one, other) => one.checkedMs - other.checkedMs || (one.accountId < other.accountId ? -1 : 1))
      return shards
        .flatMap((shard) => waiting.filter(({ accountId }) => shardOf(accountId) === shard).slice(0, perShard))
        .toSorted((one, other) => one.checkedMs - other.checkedMs)
        .map(({ accountId }) => accountId)
    },

    async noteChecked(accountId) {
      if (accounts.has(accountId)) loaded.set(accountId, nowMs())
    },

    async identity() {
      return 'model'
    },

    async receipts(shard, count) {
      return stream
        .filter(({ receipt }) => shardOf(receipt.accountId) === shard)
        .slice(0, count)
        .map(({ entryId, receipt }) => ({ entryId, receipt }))
    },

    async ackReceipts(shard, entries) {
      const head = stream.filter(({ receipt }) => shardOf(receipt.accountId) === shard).slice(0, entries.length)
      const same = ({ receipt }: StreamedReceipt): string => `${receipt.id} ${receipt.kind} ${receipt.n}`
      if (head.map(same).join() !== entries.map(same).join()) return 'head_moved'
      stream = stream.filter((entry) => !head.includes(entry))
      for (const { receipt, rise } of head) {
        const account = accounts.get(receipt.accountId)!
        account.drained = Math.max(account.drained, receipt.n)
        account.undrained -= rise
        const hold = holdOf(receipt)
        if (hold?.n === receipt.n) hold.forgetAtMs = Math.max(nowMs(), hold.birthMs) + tombstoneMs
      }
      return 'acked'
    },

    async pending(shards, { dirtyOlderThanMs, perShard }) {
      const at = <T>(shard: number, list: readonly T[], accountOf: (one: T) => string): readonly T[] =>
        list.filter((one) => shardOf(accountOf(one)) === shard)
      const byScore = (scores: Map<string, number>, most: number): readonly string[] =>
        [...scores]
          .filter(([, score]) => score <= most)
          .toSorted(([a, one], [b, other]) => one - other || (a < b ? -1 : 1))
          .map(([member]) => member)
      return shards.map((shard) => ({
        shard,
        nowMs: nowMs(),
        receipts: at(shard, stream, ({ receipt }) => receipt.accountId).length,
        dirty: at(shard, byScore(dirty, Math.max(0, nowMs() - dirtyOlderThanMs)), (id) => id).slice(0, perShard),
        due: at(shard, byScore(deadlines, nowMs()).map(parseDeadlineMember), ({ accountId }) => accountId).slice(
          0,
          perShard,
        ),
        wakeable: [],
      }))
    },

    async close() {},

    lose() {
      for (const map of [accounts, holds, deadlines, dirty, loaded, locks]) map.clear()
      stream = []
    },
  }
}

const letters = { day: 'd', week: 'w', month: 'm', total: 'all' } as const satisfies Record<BudgetWindow, string>

/** The name of the window in which a local time lies; `Date` counts it, where the scripts do sums. */
export function windowName(window: BudgetWindow, localMs: number): string {
  if (window === 'total') return letters.total
  const date = new Date(localMs)
  const day = Math.floor(localMs / 86_400_000)
  if (window === 'day') return `${letters.day}${day}`
  // Weeks are named by their number of Mondays since 1970
  if (window === 'week') return `${letters.week}${Math.floor((day + 3) / 7)}`
  return `${letters.month}${date.getUTCFullYear() * 100 + date.getUTCMonth() + 1}`
}

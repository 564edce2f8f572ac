/**
 * Every rule of the ledger protocol that the model can leave out, with what goes wrong then, each shown by recorded seeds (seeds.ts):
 * - `fails`: without it some run breaks the books;
 * - `behind`: another rule stands in front of it: with that one left out some run is clean, and breaks the books without this one, too;
 * - `figure`: without it a sum over many runs is worse.
 */
export interface Rule {
  readonly evidence: 'fails' | 'behind' | 'figure'
  readonly prevents: string
}

const fails = (prevents: string): Rule => ({ evidence: 'fails', prevents })
const behind = (prevents: string): Rule => ({ evidence: 'behind', prevents })
const figure = (prevents: string): Rule => ({ evidence: 'figure', prevents })

export const rules = {
  // Ids
  derivedIds: fails('a one-shot retried elsewhere is another charge'),
  idsMeetTheGate: fails('an id that Redis has forgotten is charged again'),
  futureIdsAreAsked: behind('an id from a clock that runs ahead is charged again after a loss'),
  birthsSinceJournal: fails('an id born ahead of Redis, charged and drained, is admitted unasked after a loss'),
  birthsByJournalClock: fails('the same, where the clock of Redis was further behind than a tombstone stands'),
  evidenceIsYoung: fails('a look-up from before the charge is believed after its tombstone went'),
  evidenceOfSameLineage: fails('a look-up from before a repair is believed after it'),
  latestTimeSeen: fails('a clock that jumped ahead forgot tombstones, and is set back'),
  foundExpiredAdjusts: fails('a late settle of a call that only the journal remembers is dropped'),
  reserveAsksToo: fails('a late duplicate of a reserve revives a settled id'),
  neverRefusedForAge: fails('an outbox that comes back late is refused, its work is free'),
  tombstoneOutlivesReceipt: fails('a journal that lags: the id is in neither place'),
  forgetAfterBirth: fails('a clock that jumps ahead forgets young ids'),
  ackMatchesN: fails('the receipt of an expiry starts the clock of the settlement'),
  knownSince: fails('tombstones of an earlier life are gone although the ids are young'),
  forgottenIsNotNew: fails('an id older than what the journal keeps is charged again'),

  // Operations
  levelsInOneScript: fails('two reserves pass one budget'),
  armByExtend: fails('a call that never ran is charged its price'),
  accruedOnlyGrows: fails('reordered progress charges a dead call too little'),
  refusalRecordsProgress: fails('a dead call at zero is charged too little'),
  settleWithinRoom: fails('a settlement takes the balance below zero'),
  lateSettleAdjustsUp: fails('the rest of an expired call is never charged'),
  lateSettleAdjustsDown: fails('what an expired call did not use is never given back'),
  quarantineFirst: figure('late settles after a loss find their money spent'),
  receiptCarriesTotals: fails('the difference of a difference is booked'),
  zeroWritesReceipt: fails('an outbox entry of zero never finds its receipt'),
  goneEpochBooksInCurrent: fails('a partial row of a period that is gone comes back'),
  callKeepsItsEpoch: fails('a call is booked in a period in which it did not begin'),
  chargeAllOrNothing: fails('half of a one-shot is charged'),
  acceptedIsNotRefused: fails('accepted before a loss, refused after it'),
  releasePlantsTombstone: fails('a reserve that arrives after we gave up holds credits'),
  expireOnlyPastDeadline: fails('a call that lives is expired, and its rest finds no money'),
  expiryWritesReceipt: fails('what a dead call used is in Redis alone'),
  newerTermsOnly: fails('older terms give out money again'),
  awaitAnswersReady: fails('a wake-up is lost between refusal and registration'),
  parkedAsksAgain: fails('a lost wake-up parks a run for ever'),
  retriesOnOneConnection: fails('a refusal removes the record of an earlier attempt that still arrives'),
  oneAttemptAtATime: fails('one attempt is refused, and another of the same charge goes on'),

  // Tabs
  companyNeedsItsHold: fails('calls are settled on a hold that has ended'),
  companyMeetsTombstones: fails('a message that comes twice charges its calls twice'),
  companyMeetsTheGate: fails('an id that Redis has forgotten is charged again in company'),
  companyLeavesTombstones: fails('what was settled in company is charged again by itself'),
  companyKeepsItsIds: fails('what was told in company and not heard is another charge when it is told again'),
  companyIsToldAgain: fails('a call is settled by itself while its tab holds what it needs'),
  partPaysForItself: fails('a dear call is paid with what other calls have parts of'),
  keepsWhatIsOwed: fails('a tab ends before all that was told on it is heard, and pays for it no more'),

  // Outbox
  appendBeforeSend: fails('work that was finished is forgotten with its gateway'),
  chargesInOutbox: fails('an accepted one-shot is lost with Redis'),
  indefiniteIsNoAnswer: fails('no answer is taken for an answer'),
  keptUntilJournal: fails('a settlement that Redis answered is lost with Redis'),
  replays: fails('what was not answered is never sent again'),

  // Drain
  storeBeforeAck: fails('receipts trimmed before they are stored die with their drainer'),
  readFromHead: fails('new receipts below a stored cursor are skipped for ever'),
  settledAfterExpiredAdds: fails('adjustments are dropped'),
  journalStoresOnce: fails('a receipt that comes twice counts twice'),
  ackOnlySameHead: fails('a drainer trims receipts that it has not stored'),

  // Periods
  earlierEpochsCorrectUsed: fails('kept money that an ended period takes is given out again'),
  countedApart: fails('a late refund of what an ended period had of its own is given out'),
  endedEpochsStay: fails('the holds of an ended period are gone'),
  closedEpochsCountInFull: behind('a closed period that a rollback brought back stays for ever, and is counted twice'),
  archivedLeaves: fails('a closed period that came back, and in which something was booked since, stays'),
  epochLeavesWithoutHolds: fails('a period leaves under a running call'),
  epochLeavesDrained: behind('a period leaves before its receipts are stored'),
  epochLeavesAcked: behind('a period leaves before its rows are reported'),
  epochLeavesCounted: fails('a period leaves before its spend is in the terms'),
  closesWhatJournalConfirms: fails('a journal that lost commits moves what an ended period has spent'),
  checkCloses: fails(
    'a worker dies between the ledger and the workflow of a period that it closes, and nobody goes on',
  ),
  closesInItsLife: fails('a slow closing of a period writes what the journal had before the ledger was lost'),
  archiveTakesJournal: fails('an archive keeps rows that Redis lost'),
  archivesComparedLater: fails('a receipt that is stored late is never archived'),
  alertsOnce: fails('an alert fires twice'),
  alertsAfterEveryChange: fails('a change that is no reconcile raises no alert'),

  // Reconcile
  olderSnapshotsRefused: fails('an older report takes rows back'),
  otherLivesRefused: behind('a report of a lost life is taken, and those of the new one look older'),
  answersCarryTerms: fails('terms that a rollback lost never come back'),
  behindRepairs: fails('a ledger that went back is never heard again'),
  forkRepairs: behind('other rows under the same number are never heard'),
  otherLineageRepairs: fails('a ledger in a life of its own is never heard again'),
  repairOnlyWhatWasRead: fails('a late repair takes the account back to an older life'),
  repairKnownSince: behind('ids of the dead branch are admitted unasked'),
  dirtyUntilAcked: fails('a reconciler dies, and nobody sends its rows'),

  // Hydrate and evict
  hydrateNextLineage: fails('two lives share their numbers'),
  hydrateOnlyIfAbsent: behind('a second hydrate overwrites the first'),
  hydrateNeedsItsLock: fails('a hydrate that comes late writes old totals'),
  hydrateFromJournal: fails('charges that died with Redis are counted, and come again'),
  budgetsFromJournal: fails('a budget starts anew after a loss'),
  quarantine: figure('what running calls held is given out after a loss'),
  evictWithoutHolds: fails('a hold without an account'),
  evictWithoutQuarantine: figure('a quarantine begins anew each time that its account is loaded'),
  evictDrained: fails('a charge that is not stored leaves with its account'),
  evictAcked: fails('rows that were not reported leave with their account'),

  // Check
  checks: fails('what a rollback took is never found'),
  checkAsksWorkflow: fails('a ledger that nobody works on is not what its workflow took from it'),
  nBeforeSnapshot: fails('entries of a dead branch are left out for ever'),
  waitForDrained: fails('receipts on their way look like drift'),
  higherNLeftOut: fails('receipts that came meanwhile look like drift'),
  correctionComparesAndSets: fails('a difference is corrected twice'),
  shortJournalPages: fails('a journal that lost commits refunds real charges'),
  gapsPage: fails('a journal that lost commits and went on hides it behind newer receipts'),

  // Grants that expire, continue-as-new, retention
  expiredIsNotGiven: fails('expired money is reserved before it lapses'),
  holdsOutliveGrants: fails(
    'a call is uncollected, although it holds what it costs, of a grant that has expired since',
  ),
  lapseFromFreshSnapshot: fails('money lapses that is spent already'),
  heldDoesNotLapse: fails('money lapses under a running call'),
  lapseAgain: fails('what an old hold gives back after the expiry is spent'),
  runsHandOverLineage: fails('the next run issues a life that exists'),
  runsHandOverAlerts: fails('the next run raises every alert again'),
  runsHandOverPushedVersion: figure('the next run does not know which terms the ledger has, and sends them again'),
  grantsById: fails('a grant repeated in the next run counts twice'),
  retentionKeepsTotals: fails('what is pruned is given back'),
  retentionSparesOpen: fails('an expiry is pruned before its settlement'),
} as const satisfies Record<string, Rule>

export type RuleName = keyof typeof rules
export type Rules = Readonly<Record<RuleName, boolean>>

export const ruleNames = Object.keys(rules) as RuleName[]

/** All rules, but for those named. */
export function rulesWithout(...left: readonly RuleName[]): Rules {
  return Object.fromEntries(ruleNames.map((name) => [name, !left.includes(name)])) as Record<RuleName, boolean>
}

import { type Network, perfectNetwork } from './scheduler.ts'

/** What may go wrong in a run, and how often. A seed picks one mix. */
export interface Mix {
  readonly name: string
  readonly network: Network
  /** Chance of a death at each step. */
  readonly gatewayDies: number
  readonly workerDies: number
  /** Chance that a gateway that died comes back without its outbox. */
  readonly diskLost: number
  readonly rollbacks: number
  readonly losses: number
  /** A rollback to a node whose clock is behind. */
  readonly failovers: number
  readonly clockJumps: number
  /** How far the gateways' clocks are off, ms. */
  readonly crooked: number
  readonly journalOutages: number
  readonly workflowOutages: number
  /** The journal is restored from a backup. */
  readonly journalRestores: number
  /** Accounts leave Redis once idle. */
  readonly evicts: boolean
  readonly updatesPerRun: number
  /** How long the journal keeps entries, ms. */
  readonly keepsEntriesMs: number
  /** One-shots are retried again long after they were answered. */
  readonly ancientRetries: boolean
  readonly drainers: number
  /** Grants that end inside a period. */
  readonly expiringGrants: boolean
  /** Groups of calls that follow each other closely. */
  readonly companies: number
  /** All groups come at one of four moments, of short and cheap calls, and others want what they leave. */
  readonly rush: boolean
  /** Calls cost at most what they hold. */
  readonly tame: boolean
  /** Share of calls with so long between two signs of life that their lease may run out. */
  readonly slowCalls: number
  /** Share of calls whose lease may run out before their end, once they have accrued. */
  readonly slowEnds: number
  /** Share of calls that end cheaper than they had accrued. */
  readonly cheapEnds: number
  /** Chance that a drainer is slow between its commit and its acknowledgement. */
  readonly slowCommits: number
  /** Accounts have little, and much is refused. */
  readonly scarce: boolean
}

const calm: Mix = {
  name: 'calm',
  network: perfectNetwork,
  gatewayDies: 0,
  workerDies: 0,
  diskLost: 0,
  rollbacks: 0,
  losses: 0,
  failovers: 0,
  clockJumps: 0,
  crooked: 20_000,
  journalOutages: 0,
  workflowOutages: 0,
  journalRestores: 0,
  evicts: false,
  updatesPerRun: 1_000,
  keepsEntriesMs: Number.POSITIVE_INFINITY,
  ancientRetries: false,
  drainers: 1,
  expiringGrants: false,
  companies: 2,
  rush: false,
  tame: false,
  slowCalls: 0.1,
  slowEnds: 0,
  cheapEnds: 1 / 7,
  slowCommits: 0.1,
  scarce: false,
}
const shaky: Network = { lost: 0.04, answerLost: 0.04, late: 0.04, repeated: 0.05, latestMs: 90_000, stalled: 0.002 }
/** Much has to be told again. */
const deaf: Network = { lost: 0.25, answerLost: 0.06, late: 0.06, repeated: 0.15, latestMs: 1_200_000, stalled: 0.004 }
/** Nothing is lost, but processes stand still in the middle of what they do. */
const halting: Network = { ...perfectNetwork, stalled: 0.015 }
const veryLate: Network = {
  lost: 0.02,
  answerLost: 0.05,
  late: 0.08,
  repeated: 0.1,
  latestMs: 1_500_000,
  stalled: 0.01,
}

export const mixes: readonly Mix[] = [
  { ...calm, name: 'calm', tame: true },
  { ...calm, name: 'expiring grants', expiringGrants: true },
  { ...calm, name: 'network', network: shaky, expiringGrants: true },
  { ...calm, name: 'companies', network: deaf, companies: 14 },
  { ...calm, name: 'late duplicates', network: veryLate, gatewayDies: 0.003, ancientRetries: true },
  { ...calm, name: 'gateways die', gatewayDies: 0.015, network: shaky, ancientRetries: true },
  { ...calm, name: 'gateways lose their disks', gatewayDies: 0.015, diskLost: 0.7 },
  { ...calm, name: 'workers die', workerDies: 0.02, drainers: 2, network: shaky, updatesPerRun: 8 },
  {
    ...calm,
    name: 'rollback',
    network: halting,
    rollbacks: 3,
    gatewayDies: 0.006,
    workerDies: 0.003,
    drainers: 2,
    diskLost: 0.5,
  },
  { ...calm, name: 'loss', network: halting, losses: 2, gatewayDies: 0.004, drainers: 2, journalOutages: 1 },
  { ...calm, name: 'failover to a clock behind', network: halting, failovers: 3, drainers: 1, workerDies: 0.005 },
  { ...calm, name: 'clock jumps', clockJumps: 4, crooked: 50_000, losses: 0.5, ancientRetries: true },
  { ...calm, name: 'wrong clocks', crooked: 200_000, losses: 2, gatewayDies: 0.004, ancientRetries: true },
  { ...calm, name: 'journal away', journalOutages: 2, gatewayDies: 0.005, clockJumps: 0.5, network: shaky },
  { ...calm, name: 'workflow away', workflowOutages: 2, updatesPerRun: 6, network: shaky, workerDies: 0.01 },
  {
    ...calm,
    name: 'eviction',
    evicts: true,
    network: { ...shaky, stalled: 0.01, latestMs: 600_000 },
    gatewayDies: 0.008,
    updatesPerRun: 12,
    expiringGrants: true,
    journalOutages: 1,
    workflowOutages: 1,
  },
  {
    ...calm,
    name: 'retention',
    keepsEntriesMs: 2_400_000,
    ancientRetries: true,
    network: shaky,
    gatewayDies: 0.008,
    evicts: true,
  },
  { ...calm, name: 'journal restored', journalRestores: 1, network: halting },
  {
    ...calm,
    name: 'journal behind',
    journalOutages: 3,
    slowCommits: 0.6,
    slowEnds: 0.6,
    cheapEnds: 0.5,
    gatewayDies: 0.004,
  },
  {
    ...calm,
    name: 'clock jumps over companies',
    network: { ...perfectNetwork, answerLost: 0.05, repeated: 0.3, latestMs: 60_000 },
    clockJumps: 5,
    companies: 14,
  },
  {
    ...calm,
    name: 'scarce companies',
    network: { ...deaf, lost: 0.4, answerLost: 0.2 },
    companies: 20,
    rush: true,
    tame: true,
  },
  {
    ...calm,
    name: 'losses under calls',
    network: shaky,
    losses: 4,
    companies: 10,
    rush: true,
    slowCalls: 0.3,
    evicts: true,
    scarce: true,
    tame: true,
  },
  { ...calm, name: 'many losses', losses: 8, scarce: true, tame: true, companies: 6 },
  {
    ...calm,
    name: 'late expiries',
    network: { ...perfectNetwork, answerLost: 0.05, late: 0.15, repeated: 0.1, latestMs: 120_000 },
    slowCalls: 0.8,
    scarce: true,
    tame: true,
  },
  {
    ...calm,
    name: 'late refunds',
    gatewayDies: 0.02,
    slowEnds: 0.5,
    cheapEnds: 0.7,
    workflowOutages: 4,
    scarce: true,
  },
  {
    ...calm,
    name: 'questions over rollbacks',
    network: { ...perfectNetwork, stalled: 0.06 },
    rollbacks: 7,
    drainers: 2,
    ancientRetries: true,
  },
  {
    ...calm,
    name: 'short retention',
    keepsEntriesMs: 900_000,
    slowCalls: 0.6,
    gatewayDies: 0.012,
    journalOutages: 1,
  },
  {
    ...calm,
    name: 'late archives',
    network: halting,
    rollbacks: 5,
    slowCommits: 0.6,
    drainers: 2,
    gatewayDies: 0.004,
    scarce: true,
  },
  {
    ...calm,
    name: 'everything',
    network: shaky,
    gatewayDies: 0.008,
    workerDies: 0.008,
    diskLost: 0.3,
    rollbacks: 1,
    losses: 0.7,
    failovers: 0.5,
    clockJumps: 1,
    journalOutages: 0.7,
    workflowOutages: 0.7,
    evicts: true,
    updatesPerRun: 15,
    drainers: 2,
    expiringGrants: true,
    ancientRetries: true,
  },
]

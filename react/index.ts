'use client'
export { CreditsProvider, useAccount, useCredits, type Credits, type CreditsProviderProps } from './provider.tsx'
export {
  CreditBar,
  CreditBarView,
  type CreditBarProps,
  type CreditBarViewProps,
  type CreditLinks,
} from './credit-bar.tsx'
export { useExpanded } from './use-expanded.ts'
export { type AskOptions, type Loaded, useAsked } from './use-asked.ts'
export { useBudgets } from './use-budgets.ts'
export { type CreditGate, useCreditGate } from './use-credit-gate.ts'
export { useGrants, useHistory, useOrganizations, useUsage } from './use-usage.ts'
export type { AccountState, AccountStore } from './account-store.ts'
export type { Client } from './api/client.ts'
export { asFailure, Failure } from './api/failure.ts'
export { InsufficientNotice, type InsufficientNoticeProps } from './insufficient-notice.tsx'
export { Projection } from './projection.tsx'
export { MessageCost, type MessageCostProps } from './message-cost.tsx'
export { MessageInspector, type MessageInspectorProps } from './message-inspector.tsx'
export { useMessageCost, type KnownCost } from './use-message-cost.ts'
export { AlertsBell, type AlertsBellProps } from './alerts-bell.tsx'
export { CreditAlerts, type CreditAlertsProps } from './credit-alerts.tsx'
export { CallMeter, CallMeterView, type CallMeterProps, type CallMeterViewProps } from './call-meter.tsx'
export { useSession, type LiveSession } from './use-session.ts'
export { sessionPath } from './session-path.ts'
export { DepletedOverlay, type DepletedOverlayProps } from './depleted-overlay.tsx'
export type {
  Alert,
  AtLimit,
  Balance,
  Budget,
  BudgetWindow,
  Debit,
  Employee,
  EndReason,
  Grant,
  GrantSource,
  Invite,
  InviteResult,
  Model,
  Order,
  Pack,
  Plan,
  Price,
  Referral,
  Session,
  Subscription,
  Organization,
  Page,
  Period,
  Usage,
  UsageLine,
} from './api/shapes.ts'
export type { FeedEvent, FeedStatus } from './feed/events.ts'

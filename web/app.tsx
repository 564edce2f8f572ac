import { lazy, type ReactNode, Suspense } from 'react'
import { Redirect, Route, Switch } from 'wouter'
import { CreditsProvider, useAccount } from '../react/index.ts'
import { NotFound } from './pages/not-found.tsx'
import { Welcome } from './pages/welcome.tsx'
import { paths } from './paths.ts'
import { Shell } from './shell.tsx'

const ChatPage = lazy(async () => ({ default: (await import('./pages/chat/chat-page.tsx')).ChatPage }))
const EmployeesPage = lazy(async () => ({
  default: (await import('./pages/employees/employees-page.tsx')).EmployeesPage,
}))
const EmployeePage = lazy(async () => ({
  default: (await import('./pages/employees/employee-page.tsx')).EmployeePage,
}))
const SubscriptionPage = lazy(async () => ({
  default: (await import('./pages/subscription/subscription-page.tsx')).SubscriptionPage,
}))
const FreeCreditsPage = lazy(async () => ({
  default: (await import('./pages/free-credits/free-credits-page.tsx')).FreeCreditsPage,
}))
const UsagePage = lazy(async () => ({ default: (await import('./pages/usage/usage-page.tsx')).UsagePage }))

export function App(): ReactNode {
  return (
    <CreditsProvider locale={navigator.language}>
      <SignedIn />
    </CreditsProvider>
  )
}

function SignedIn(): ReactNode {
  const { signedOut } = useAccount()
  if (signedOut) return <Welcome />
  return (
    <Shell>
      <Suspense fallback={<div className="cr-skeleton table-skeleton" aria-busy="true" />}>
        <Switch>
          <Route path="/">
            <Redirect to={paths.usage} replace />
          </Route>
          <Route path="/chat/:employeeId?">
            <ChatPage />
          </Route>
          <Route path={paths.employees}>
            <EmployeesPage />
          </Route>
          <Route path="/employees/:employeeId">
            <EmployeePage />
          </Route>
          <Route path={paths.subscription}>
            <SubscriptionPage />
          </Route>
          <Route path={paths.freeCredits}>
            <FreeCreditsPage />
          </Route>
          <Route path={paths.usage}>
            <UsagePage />
          </Route>
          <Route>
            <NotFound />
          </Route>
        </Switch>
      </Suspense>
    </Shell>
  )
}

/** The app's own routes; gateway/web.ts answers each of them with the app. */
export const paths = {
  chat: '/chat',
  chatWith: (employeeId: string) => `/chat/${encodeURIComponent(employeeId)}`,
  employees: '/employees',
  employee: (employeeId: string) => `/employees/${encodeURIComponent(employeeId)}`,
  usage: '/settings/subscription/credit-usage',
  subscription: '/settings/subscription',
  plans: '/settings/subscription#plans',
  packs: '/settings/subscription#packs',
  freeCredits: '/settings/subscription/free-credits',
} as const

/** Where more credits are to be had. */
export const waysToCredits = { upgrade: paths.plans, buy: paths.packs, free: paths.freeCredits }

/** Whose call it is. For keys that act for any account; with an ordinary key it may say only the key's own. */
export const accountHeader = 'x-tollgate-account'

/** In whose name the call is booked. */
export const attributionHeaders = {
  employee: 'x-tollgate-employee',
  organization: 'x-tollgate-organization',
  message: 'x-tollgate-message',
  task: 'x-tollgate-task',
  purpose: 'x-tollgate-purpose',
} as const

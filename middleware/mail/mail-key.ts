/** An address as it is looked up: nobody signs in or is invited twice for having typed capitals. */
export function mailKey(email: string): string {
  return email.trim().toLowerCase()
}

/** Whose address it is, for limits per person: `jo+shop@example.com` and `Jo@example.com` are one. */
export function personKey(email: string): string {
  const [local, domain] = splitAtLast(mailKey(email))
  return `${local.replace(/\+.*$/, '')}@${domain}`
}

/** `jo••••@example.com`: enough for whoever knows the person, too little for anybody else. */
export function maskedMail(email: string): string {
  const [local, domain] = splitAtLast(email.trim())
  return `${local.slice(0, 2)}••••@${domain}`
}

function splitAtLast(email: string): [string, string] {
  const at = email.lastIndexOf('@')
  return [email.slice(0, at), email.slice(at + 1)]
}

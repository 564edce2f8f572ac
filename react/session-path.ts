/** Where the API has one session; `act`: what of it, or what it is asked to do. */
export function sessionPath(id: string, act?: 'heartbeat' | 'end' | 'cost'): string {
  const path = `/credits/v1/sessions/${encodeURIComponent(id)}`
  return act === undefined ? path : `${path}/${act}`
}

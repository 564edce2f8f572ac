/** What the door answers when it cannot do what was asked; the same shape as the credits API's. */
export class DoorError extends Error {
  override readonly name = 'DoorError'
  readonly status: 400 | 401 | 402 | 403 | 404 | 409 | 503
  readonly code: string

  constructor(status: DoorError['status'], code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

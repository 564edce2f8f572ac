import { currentWork } from 'tollgate/temporal'

export async function sendMail(text: string): Promise<string> {
  return `${currentWork()?.employee} sent ${text}`
}

import { eq } from 'drizzle-orm'
import type { Database } from './database.ts'
import { people } from './schema.ts'
import { storableText } from './storable-text.ts'

/** See Journal.people.note. */
export async function notePerson(
  database: Database,
  clock: () => number,
  { email, accountId }: { readonly email: string; readonly accountId: string },
): Promise<string> {
  await database.query((statements) =>
    statements
      .insert(people)
      .values({ email: storableText(email), accountId: storableText(accountId), createdAtMs: clock() })
      .onConflictDoNothing(),
  )
  return (await findPerson(database, email)) ?? accountId
}

/** See Journal.people.find. */
export async function findPerson(database: Database, email: string): Promise<string | null> {
  const [found] = await database.query((statements) =>
    statements
      .select({ accountId: people.accountId })
      .from(people)
      .where(eq(people.email, storableText(email))),
  )
  return found?.accountId ?? null
}

import { defineConfig } from 'drizzle-kit'

/** Only for `npx drizzle-kit generate --config journal/drizzle.config.ts --name <what-changed>`: the program applies migrations itself. */
export default defineConfig({
  dialect: 'postgresql',
  schema: './journal/schema.ts',
  out: './journal/migrations',
  schemaFilter: ['tollgate'],
})

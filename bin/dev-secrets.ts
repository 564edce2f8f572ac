import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'

const newServiceKey = (): string => `tg_service_${randomBytes(32).toString('base64url')}`

const schema = z.object({
  adminKey: z.string(),
  // A folder that is older than service keys keeps its other secrets.
  serviceKey: z.string().default(newServiceKey),
  tokenSecret: z.string(),
  demoKey: z.string().nullable(),
  /** When the demo user's past ended. null: there is no demo user yet, or one without a past. */
  demoSinceMs: z.int().nullable().default(null),
})
export type DevSecrets = z.infer<typeof schema>

/** What `npm start` makes up once and keeps in the data folder, readable by its owner alone: keys stay the same over restarts. */
export function readDevSecrets(dataDir: string): DevSecrets {
  try {
    return schema.parse(JSON.parse(readFileSync(join(dataDir, 'secrets.json'), 'utf8')))
  } catch {
    const secrets = {
      adminKey: `tg_admin_${randomBytes(24).toString('base64url')}`,
      serviceKey: newServiceKey(),
      tokenSecret: randomBytes(48).toString('base64url'),
      demoKey: null,
      demoSinceMs: null,
    }
    writeDevSecrets(dataDir, secrets)
    return secrets
  }
}

export function writeDevSecrets(dataDir: string, secrets: DevSecrets): void {
  writeFileSync(join(dataDir, 'secrets.json'), `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 })
}

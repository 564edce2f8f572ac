import { z } from 'zod'

const wholeNumber = (least: number, most: number, otherwise: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((value) => value >= least && value <= most, `must lie between ${least} and ${most}`)
    .default(otherwise)
/** By which events are signed: as standardwebhooks.com writes it, at least 24 bytes. */
const sharedSecret = z
  .string()
  .regex(
    /^(whsec_)?(?=[^=]{32})(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/,
    'must be `whsec_` and at least 24 bytes in base64',
  )
const port = (otherwise: number) => wholeNumber(0, 65_535, otherwise)

/** What Tollgate's processes read from the environment: parsed once, here, and nowhere else. */
const schema = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: port(8787),
  WORKER_PORT: port(9464),
  COMPANY_PORT: port(8788),
  /** Whether the demo user of `npm start` begins with a hundred days of made-up work. */
  DEMO_HISTORY: z.enum(['yes', 'no']).default('yes'),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
  TEMPORAL_ADDRESS: z.string().min(1).optional(),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
  ADMIN_KEY: z.string().min(16, 'an operator key has at least 16 characters').optional(),
  SERVICE_KEY: z.string().min(32, 'a key that acts for any account has at least 32 characters').optional(),
  /** `open`: anybody may sign up at the gateway itself. */
  SIGNUP: z.enum(['open', 'closed']).optional(),
  /** `test`: packs and plans are bought without money. */
  CHECKOUT: z.enum(['test', 'none']).optional(),
  /** The company that the web app's chat talks to (examples/company). */
  COMPANY_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** Where users reach the gateway: what links in mails begin with, and the origin of its own pages. */
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  SMTP_URL: z.url({ protocol: /^smtps?$/ }).optional(),
  MAIL_FROM: z.string().min(3).default('Tollgate <tollgate@localhost>'),
  /** Rooms for voice calls. */
  LIVEKIT_URL: z.url({ protocol: /^(ws|http)s?$/ }).optional(),
  LIVEKIT_API_KEY: z.string().min(1).optional(),
  LIVEKIT_API_SECRET: z.string().min(1).optional(),
  /** Bots for meetings: the address of the service's bots. */
  MEETING_BOT_URL: z.url({ protocol: /^https?$/ }).optional(),
  MEETING_BOT_KEY: z.string().min(1).optional(),
  MEETING_BOT_WEBHOOK_SECRET: sharedSecret.optional(),
  /** Where sessions take place in a system of the company's own. */
  SESSION_WEBHOOK_URL: z.url({ protocol: /^https?$/ }).optional(),
  SESSION_WEBHOOK_SECRET: sharedSecret.optional(),
  TOKEN_SECRET: z.string().min(32, 'a signing secret has at least 32 characters').optional(),
  CATALOGUE: z.string().min(1).default('catalogue.yaml'),
  PRACTICE_TOKENS_PER_SECOND: wholeNumber(0, 100_000, 60),
  CLOCK_SLACK_SECONDS: wholeNumber(1, 250, 60),
  /** 0 = never. */
  EVICT_AFTER_MINUTES: wholeNumber(0, 43_200, 60),
  HOLD_SECONDS: wholeNumber(3, 3_600, 60),
  /** How long a start waits for stores that do not answer. */
  START_PATIENCE_SECONDS: wholeNumber(0, 3_600, 60),
  DATA_DIR: z.string().min(1).default('.tollgate'),
  OUTBOX_DIR: z.string().min(1).optional(),
  OUTBOX_SYNC_MS: wholeNumber(0, 10_000, 50),
  OUTBOX_REPLAY_SECONDS: wholeNumber(1, 600, 30),
  REDIS_PORT: port(6390),
  TEMPORAL_PORT: port(7233),
  TEMPORAL_UI_PORT: port(8233),
  LOG_LEVEL: z.enum(['silent', 'error', 'warn', 'info', 'debug']).default('info'),
})

/** The names of all of them. */
export const settingNames: readonly string[] = Object.keys(schema.shape)

/** Settings that are nothing without one another. */
const together: readonly (readonly (keyof z.infer<typeof schema>)[])[] = [
  ['LIVEKIT_URL', 'LIVEKIT_API_KEY', 'LIVEKIT_API_SECRET'],
  ['MEETING_BOT_URL', 'MEETING_BOT_KEY'],
  ['SESSION_WEBHOOK_URL', 'SESSION_WEBHOOK_SECRET'],
]

const checked = schema
  // Whoever holds one key must not hold all.
  .refine(({ ADMIN_KEY, SERVICE_KEY }) => ADMIN_KEY === undefined || ADMIN_KEY !== SERVICE_KEY, {
    path: ['SERVICE_KEY'],
    message: 'must be another key than ADMIN_KEY',
  })
  .superRefine((settings, context) => {
    for (const names of together) {
      const given = names.find((name) => settings[name] !== undefined)
      if (given === undefined) continue
      for (const name of names)
        if (settings[name] === undefined)
          context.addIssue({ code: 'custom', path: [name], message: `must be set where ${given} is` })
    }
  })

export type Settings = z.infer<typeof schema>

/** The settings, or a StartError that names every variable that is wrong and what it must be. */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  // An empty variable is one that is not set: that is how compose files and CI pass "nothing".
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = checked.safeParse(given)
  if (parsed.success) return parsed.data
  throw new StartError(
    'settings_invalid',
    parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('\n'),
  )
}

/** Where the three stores are. Separate processes have no embedded ones to fall back on. */
export const addresses = ['REDIS_URL', 'TEMPORAL_ADDRESS', 'DATABASE_URL'] as const

export type With<Name extends keyof Settings> = Settings & { readonly [Each in Name]-?: NonNullable<Settings[Each]> }

/** The same settings, where these are there; otherwise a StartError that names every one that is missing. */
export function required<Name extends keyof Settings>(settings: Settings, names: readonly Name[]): With<Name> {
  const missing = names.filter((name) => settings[name] === undefined)
  if (missing.length === 0) return settings as With<Name>
  throw new StartError(
    'settings_invalid',
    missing.map((name) => `${name}: must be set (see the table in README.md)`).join('\n'),
  )
}

/** Why a process refuses to start, for the person who started it: printed without a stack. */
export class StartError extends Error {
  override readonly name = 'StartError'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

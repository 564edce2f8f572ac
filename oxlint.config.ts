// Imports point one way: bin → gateway | workflows | activities → middleware → ledger | journal → credits, and web → react → credits.
// Examples import what a customer can: the package.
// A folder's rule says what it may not reach. Each file falls under exactly one `no-restricted-imports`, because a later
// override replaces an earlier one in silence; test/import-directions.test.ts plants violations and sees each refused.

const folders = [
  'bin',
  'package',
  'gateway',
  'workflows',
  'activities',
  'middleware',
  'ledger',
  'journal',
  'credits',
  'web',
  'react',
  'test',
  'bench',
  'examples',
] as const
type Folder = (typeof folders)[number]

/** Libraries without I/O, clock or randomness of their own. */
const pureLibraries = ['zod', 'yaml', 'temporal-polyfill', '@pydantic/genai-prices']
/** What Temporal's workflow sandbox can load. */
const workflowLibraries = ['@temporalio/workflow', '@temporalio/common']
const workflowSide = '**/middleware/temporal/workflow/**'

interface Reach {
  readonly files: string[]
  readonly excludeFiles?: string[]
  readonly imports: readonly Folder[]
  /** Folders of which only types may be imported. */
  readonly types?: readonly Folder[]
  /** Parts of folders that may be imported although the folder may not. */
  readonly except?: readonly string[]
  /** The only packages that may be imported; any when left out. */
  readonly packages?: readonly string[]
}

function reach({ files, excludeFiles, imports, types = [], except = [], packages }: Reach) {
  const refused = folders.filter((folder) => !imports.includes(folder) && !types.includes(folder))
  const patterns: object[] = refused.map((folder) => ({
    group: [`**/${folder}/**`, ...except.map((path) => `!${path}`)],
    message: `Imports point one way (CONTRIBUTING.md): not from here to ${folder}/.`,
  }))
  for (const folder of types) {
    patterns.push({
      group: [`**/${folder}/**`],
      allowTypeImports: true,
      message: `Only types of ${folder}/ may be imported here.`,
    })
  }
  if (packages !== undefined) {
    // A path excused in one pattern is excused from all of them, and regular expressions here cannot look ahead.
    patterns.push({ group: packages.flatMap((name) => [`!${name}`, `!${name}/**`]) })
    patterns.push({
      regex: '^[^.]',
      message: `Of packages, only ${packages.join(', ')} may be imported here.`,
    })
  }
  const paths = ['process', 'node:process'].map((name) => ({ name, message: 'Only bin/ reads the environment.' }))
  return {
    files,
    ...(excludeFiles === undefined ? {} : { excludeFiles }),
    rules: { 'no-restricted-imports': ['error', { paths, patterns }] },
  }
}

export default {
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'node', 'promise', 'vitest'],
  categories: { correctness: 'error' },
  ignorePatterns: ['node_modules', 'dist', '.tollgate'],
  rules: {
    'node/no-process-env': 'error',
    'no-console': 'error',
    eqeqeq: ['error', 'always', { null: 'ignore' }],
    'no-var': 'error',
    'prefer-const': 'error',
    'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'none' }],
    'typescript/no-explicit-any': 'error',
    'typescript/consistent-type-imports': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': ['error', { checksVoidReturn: false }],
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'typescript/no-unnecessary-type-assertion': 'error',
    'import/no-cycle': 'error',
  },
  overrides: [
    reach({ files: ['credits/**'], imports: ['credits'], packages: pureLibraries }),
    reach({ files: ['ledger/**'], imports: ['ledger', 'credits'] }),
    reach({ files: ['journal/**'], imports: ['journal', 'credits'] }),
    reach({
      files: ['middleware/**'],
      excludeFiles: ['middleware/temporal/workflow/**'],
      imports: ['middleware', 'ledger', 'journal', 'credits'],
    }),
    reach({
      files: ['middleware/temporal/workflow/**'],
      imports: ['credits'],
      types: ['activities'],
      except: [workflowSide],
      packages: workflowLibraries,
    }),
    reach({
      files: ['workflows/**'],
      imports: ['workflows', 'credits'],
      types: ['activities'],
      except: [workflowSide],
      packages: workflowLibraries,
    }),
    reach({
      files: ['activities/**'],
      imports: ['activities', 'middleware', 'ledger', 'journal', 'credits'],
      types: ['workflows'],
    }),
    reach({
      files: ['gateway/**'],
      imports: ['gateway', 'middleware', 'ledger', 'journal', 'credits'],
      types: ['workflows', 'activities'],
    }),
    // The entry points of the published package hand out what is elsewhere; nothing here imports them.
    reach({
      files: ['package/**'],
      excludeFiles: ['package/temporal/**'],
      imports: ['middleware', 'ledger', 'journal', 'credits'],
    }),
    reach({
      files: ['package/temporal/**'],
      imports: [],
      except: [workflowSide],
      packages: workflowLibraries,
    }),
    reach({
      files: ['examples/**'],
      excludeFiles: ['examples/*/workflows/**'],
      imports: ['examples', 'package', 'workflows', 'activities'],
    }),
    reach({
      files: ['examples/*/workflows/**'],
      imports: ['examples', 'workflows'],
      types: ['activities'],
      except: ['**/package/temporal/**'],
      packages: workflowLibraries,
    }),
    reach({ files: ['react/**'], imports: ['react', 'credits'] }),
    reach({ files: ['web/**'], imports: ['web', 'react', 'credits'] }),
    reach({
      files: ['bin/**'],
      imports: [
        'bin',
        'gateway',
        'workflows',
        'activities',
        'middleware',
        'ledger',
        'journal',
        'credits',
        'web',
        'examples',
      ],
    }),
    {
      files: ['credits/**'],
      rules: {
        'no-restricted-properties': [
          'error',
          ...[
            ['Date', 'now'],
            ['Math', 'random'],
            ['Temporal', 'Now'],
            ['performance', 'now'],
            ['crypto', 'randomUUID'],
          ].map(([object, property]) => ({
            object,
            property,
            message: 'credits/ has no clock and no randomness: take it as a parameter.',
          })),
        ],
      },
    },
    {
      files: ['bin/**', 'test/**', 'bench/**', 'examples/**', '*.config.ts', 'journal/drizzle.config.ts'],
      rules: { 'node/no-process-env': 'off', 'no-console': 'off' },
    },
  ],
}

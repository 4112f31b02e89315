/**
 * Who may import whom. A folder may import itself, what it lists under `may`, and the types of what it lists under
 * `types`; everything else of ours is refused. A folder that is not listed is refused too: it must say what it is.
 */
export const folders: Readonly<Record<string, Folder>> = {
  'gateway/protocol': { may: [], why: 'the words on the wire are pure and shared with the client' },
  'gateway/ledger': {
    may: ['gateway/protocol', 'gateway/errors.ts', 'gateway/clock.ts', 'gateway/Generations.ts'],
    why: 'the books know nothing of calls, chains or HTTP',
  },
  'gateway/routes': {
    may: ['gateway/protocol', 'gateway/errors.ts', 'gateway/ledger'],
    types: ['gateway/policy'],
    why: 'what is sold is decided without chain, database and HTTP',
  },
  'gateway/policy': {
    may: ['gateway/protocol', 'gateway/errors.ts', 'gateway/clock.ts', 'gateway/ledger'],
    types: ['gateway/routes'],
    why: 'who may call is decided without chain, database and HTTP',
  },
  'gateway/pricing': {
    may: ['gateway/protocol', 'gateway/errors.ts', 'gateway/routes'],
    types: ['gateway/ledger'],
    why: 'what a call costs is decided without chain, database and HTTP',
  },
  'gateway/rails': {
    may: [
      'gateway/protocol',
      'gateway/chain',
      'gateway/errors.ts',
      'gateway/clock.ts',
      'gateway/ledger',
      'gateway/routes',
      'gateway/policy',
      'gateway/single-flight.ts',
    ],
    types: ['gateway/pricing', 'gateway/config'],
    why: 'how money moves does not depend on how a request runs',
  },
  'gateway/chain': {
    may: ['gateway/protocol', 'gateway/errors.ts', 'gateway/clock.ts', 'gateway/Generations.ts'],
    types: ['gateway/ledger'],
    why: 'the chain is asked and told, it decides nothing',
  },
  'gateway/upstream': {
    may: ['gateway/protocol', 'gateway/errors.ts', 'gateway/clock.ts'],
    why: 'forwarding does not know what a call costs',
  },
  'gateway/wallet': {
    may: ['gateway/protocol', 'gateway/chain', 'gateway/errors.ts', 'gateway/clock.ts'],
    types: ['gateway/ledger', 'gateway/config'],
    why: 'a sign-in proves an address and nothing else',
  },
  'gateway/telemetry': {
    may: ['gateway/protocol', 'gateway/errors.ts', 'gateway/clock.ts'],
    types: ['gateway/config'],
    why: 'what is told about a run has no influence on it',
  },
  'gateway/config': {
    may: ['gateway/protocol', 'gateway/errors.ts', 'gateway/routes', 'gateway/policy'],
    types: ['gateway/pricing', 'gateway/ledger'],
    why: 'the configuration is read before anything else exists',
  },
  'gateway/request': {
    may: [
      'gateway/protocol',
      'gateway/routes',
      'gateway/policy',
      'gateway/pricing',
      'gateway/rails',
      'gateway/ledger',
      'gateway/chain',
      'gateway/upstream',
      'gateway/wallet',
      'gateway/telemetry',
      'gateway/errors.ts',
      'gateway/clock.ts',
      'gateway/Generations.ts',
      'gateway/single-flight.ts',
    ],
    types: ['gateway/deps.ts', 'gateway/config', 'gateway/keys.ts'],
    why: 'a paid request does not wait for settlement and does not serve pages',
  },
  'gateway/settlement': {
    may: [
      'gateway/protocol',
      'gateway/policy',
      'gateway/chain',
      'gateway/ledger',
      'gateway/errors.ts',
      'gateway/clock.ts',
    ],
    types: ['gateway/telemetry', 'gateway/config', 'gateway/deps.ts'],
    why: 'settlement works from the books alone: it must go on where a request left off',
  },
  'gateway/endpoints': {
    may: [
      'gateway/protocol',
      'gateway/request',
      'gateway/routes',
      'gateway/policy',
      'gateway/pricing',
      'gateway/rails',
      'gateway/ledger',
      'gateway/chain',
      'gateway/wallet',
      'gateway/pages',
      'gateway/telemetry',
      'gateway/errors.ts',
      'gateway/clock.ts',
    ],
    types: ['gateway/deps.ts', 'gateway/config', 'gateway/settlement'],
    why: 'an endpoint reads and asks; calls are forwarded by the pipeline and settled by the settler',
  },
  'gateway/pages': {
    may: ['gateway/protocol', 'gateway/errors.ts'],
    types: ['gateway/deps.ts', 'gateway/config', 'gateway/routes', 'gateway/ledger', 'gateway/request'],
    why: 'pages show what they are given',
  },
  client: { may: ['gateway/protocol'], why: 'the client runs where no gateway is' },
}

/** Files that put the parts together, and so may import any of them. */
export const roots: readonly string[] = [
  'gateway/*.ts',
  'scripts',
  'test',
  'examples',
  'hardhat.config.ts',
  'vitest.config.ts',
]

/** Parts that only their own folder and the roots may import, as values. */
export const inner: readonly string[] = ['gateway/ledger/sqlite', 'gateway/ledger/postgres']

/** Packages that one place owns. Anything else reaches what they do through it. */
export const packageOwners: Readonly<Record<string, readonly string[]>> = {
  'better-sqlite3': ['gateway/ledger', 'scripts', 'test'],
  undici: ['gateway/upstream', 'scripts', 'test'],
  hono: [
    'gateway/app.ts',
    'gateway/middleware*',
    'gateway/endpoints',
    'gateway/pages',
    'scripts',
    'test',
    'examples',
  ],
  '@hono/node-server': ['gateway/app.ts', 'gateway/server.ts', 'scripts', 'test', 'examples'],
}

/** Words of the language and its runtime that one place owns. */
export const wordOwners: readonly WordOwner[] = [
  {
    word: /(?<![\w$.])process\s*\.\s*env\b/g,
    name: 'process.env',
    owners: [
      'gateway/config',
      'client/cli/Environment.ts',
      'scripts',
      'test',
      'examples',
      'hardhat.config.ts',
    ],
    fix: 'take the value from the configuration',
  },
  {
    word: /(?<![\w$.])(?:Date\s*\.\s*now\b|new\s+Date\s*\(\s*\))/g,
    name: 'the current time',
    owners: ['gateway/clock.ts', 'client/clock.ts', 'scripts', 'test', 'examples'],
    fix: 'take the clock from the dependencies',
  },
  {
    // `process.kill(pid, 0)` sends nothing: it asks whether a process lives.
    word: /(?<![\w$.])process\s*\.\s*(?:(?:exit|on|once|abort)\s*\(|kill\s*\((?![^)]*,\s*0\s*\)))/g,
    name: 'signals and process.exit',
    owners: ['gateway/main.ts', 'client/cli/main.ts', 'scripts', 'test', 'examples'],
    fix: 'throw, or return what main.ts should do',
  },
  {
    word: /(?<![\w$.])createWalletClient\s*[(<]/g,
    name: 'wallet clients',
    owners: ['gateway/chain', 'client', 'scripts', 'test', 'examples'],
    fix: 'ask gateway/chain to send it',
  },
  {
    word: /(?<![\w$.])console\s*\.\s*\w+/g,
    name: 'console',
    owners: ['client/cli', 'scripts', 'test', 'examples'],
    fix: 'write to the log of the dependencies: it redacts',
  },
]

/** Folders whose files stay small, and the most lines one may have. */
export const longest: { readonly folders: readonly string[]; readonly lines: number } = {
  folders: ['gateway', 'client'],
  lines: 400,
}

export type Folder = { may: readonly string[]; types?: readonly string[]; why: string }
export type WordOwner = { word: RegExp; name: string; owners: readonly string[]; fix: string }

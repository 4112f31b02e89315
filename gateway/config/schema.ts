import * as z from 'zod'

/** What a configuration file may say. Descriptions become the configuration reference. */

const decimal = z.string().regex(/^(0|[1-9]\d*)(\.\d+)?$/, 'must be a decimal number as text, such as "0.01"')
const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/, 'must be a 20-byte address, such as "0x5FbD…0aa3"')
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' })
const secret = z.strictObject(
  { env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of an environment variable') },
  'must name an environment variable, as env("NAME"), or {"env": "NAME"} in JSON and YAML; a secret is never written into the file',
)
const depth = z.int().min(1).max(1_000)
const printable = z.string().regex(/^[\x20-\x7e]*$/, 'must be printable ASCII in one line')

const gate = z
  .strictObject({
    standard: z.enum(['erc20', 'erc721', 'erc1155']).describe('Kind of token.'),
    token: address.describe('Contract of the token that must be held.'),
    id: z.string().regex(/^\d+$/).optional().describe('Token id; ERC-1155 only.'),
    minimum: z
      .string()
      .regex(/^[1-9]\d*$/, 'must be a whole number above zero')
      .default('1')
      .describe('Least holding: base units of an ERC-20, a count otherwise.'),
    effect: z
      .union([z.literal('required'), z.literal('free'), z.strictObject({ price: decimal })])
      .describe(
        '`required`: reachable only with it; `free`: costs nothing with it; `{ price }`: costs this with it.',
      ),
  })
  .refine((value) => (value.standard === 'erc1155') === (value.id !== undefined), {
    path: ['id'],
    message: 'belongs to an erc1155 gate, and an erc1155 gate needs it',
  })

const route = z.strictObject({
  method: z
    .enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])
    .default('GET')
    .describe('HTTP method. A GET route answers HEAD at the same price.'),
  path: z
    .string()
    .startsWith('/', 'must start with "/"')
    .refine(
      (path) => !/^\/farthing(\/|$)/i.test(path),
      'must not lie below /farthing, where the gateway itself answers',
    )
    .describe('Path pattern: `/v1/countries`, `/v1/countries/:code`, `/files/*`.'),
  upstream: httpUrl
    .optional()
    .describe('Server that answers. Left out only in an app that embeds the gateway.'),
  price: decimal.describe('Price of a call, in the token. `"0"` is free, and has to be said.'),
  token: z.string().optional().describe('Symbol of the token; the first of `tokens` when left out.'),
  rails: z
    .array(z.enum(['charge', 'channel', 'balance']))
    .min(1, 'must name at least one rail')
    .default(['charge', 'channel', 'balance'])
    .describe('Ways to pay.'),
  settle: z
    .enum(['before-call', 'before-release', 'after'])
    .default('before-release')
    .describe('When the transfer of a `charge` is sent.'),
  brokenStream: z
    .enum(['free', 'full', 'per-byte'])
    .default('free')
    .describe(
      'What a stream costs that the upstream broke off: nothing; all of it once a byte has left; or the share that has left, where its length is known (else nothing). What is given back is credit.',
    ),
  gate: gate.optional().describe('Token gate.'),
  description: printable.max(200).optional().describe('What the call gives; shown to payers.'),
  deadlineMs: z
    .int()
    .min(1)
    .max(600_000)
    .default(30_000)
    .describe('Time for the upstream to begin its answer.'),
  stopOnDrift: z
    .boolean()
    .optional()
    .describe('Answer 503 while the books and the chain disagree; `audit.stopOnDrift` when left out.'),
})

const token = z.strictObject({
  address: address.describe('Contract of the token.'),
  decimals: z.int().min(0).max(36).describe('Decimals of the token.'),
  name: printable.min(1).describe('Name in the token’s EIP-712 domain.'),
  version: printable.min(1).describe('Version in the token’s EIP-712 domain.'),
  suggestedDeposit: decimal
    .default('1')
    .describe('Deposit that a client is advised to put into a new channel.'),
  leastDeposit: decimal
    .default('0.01')
    .describe('Least deposit for which the gateway pays the gas of an open.'),
})

export const schema = z.strictObject({
  publicUrl: httpUrl.describe(
    'Where callers reach the gateway. Never read from the Host header. Plain http is for loopback only.',
  ),
  listen: z
    .strictObject({
      host: z.string().default('127.0.0.1').describe('Address to listen on.'),
      port: z.int().min(0).max(65_535).default(8402).describe('Port to listen on; 0 picks a free one.'),
      tls: z
        .strictObject({
          certFile: z.string().describe('Certificate chain.'),
          keyFile: z.string().describe('Private key.'),
        })
        .optional()
        .describe('PEM files, to serve TLS without a proxy.'),
    })
    .prefault({})
    .describe('The socket.'),
  behindTlsProxy: z
    .boolean()
    .default(false)
    .describe(
      'True when a TLS proxy of yours stands in front; then an https `publicUrl` may be served as plain http.',
    ),
  secret: secret.describe(
    'At least 32 random bytes, base64. Signs challenges and receipts. `openssl rand -base64 32`',
  ),
  previousSecrets: z
    .array(secret)
    .max(8)
    .default([])
    .describe('Secrets that were used before. Offers, answers and receipts made with them stay good.'),
  database: z.string().default('farthing.sqlite').describe('File of the ledger.'),
  historyDays: z
    .number()
    .positive()
    .max(36_500)
    .default(30)
    .describe(
      'Age at which a call that has ended is rolled up with others, in days. Longer than `limits.storedAnswerSeconds` and `settlement.maxAgeSeconds`.',
    ),
  chain: z
    .strictObject({
      id: z.int().min(1).describe('EIP-155 chain id.'),
      rpcUrl: z
        .union([
          httpUrl,
          secret,
          z
            .array(z.union([httpUrl, secret]))
            .min(1)
            .max(8),
        ])
        .describe(
          'JSON-RPC endpoint, or several: the healthiest is asked, and all are told of a transaction.',
        ),
      agreementAbove: decimal
        .optional()
        .describe('Credits above this, in each token, need two endpoints that show the same.'),
      relayerKey: secret.describe('Private key of the payee: it is paid, settles, and pays gas.'),
      relayers: z
        .array(secret)
        .max(32)
        .default([])
        .describe('More private keys, which send charges, opens and top-ups in the payee’s place.'),
      fees: z
        .strictObject({
          maxMultiple: z
            .int()
            .min(1)
            .max(100)
            .default(5)
            .describe('How many times its first fee a transaction may offer at most; 1 never raises it.'),
          replaceAfterSeconds: z
            .int()
            .min(5)
            .max(86_400)
            .default(120)
            .describe('How long a transaction waits before it is signed again for a higher fee.'),
        })
        .prefault({})
        .describe('What becomes of a transaction whose fee is too low.'),
      confirmations: z
        .union([
          depth,
          z
            .array(z.strictObject({ upTo: decimal.optional(), confirmations: depth }))
            .min(1)
            .max(16),
        ])
        .default(1)
        .describe(
          'Blocks until a transaction counts; 1 is mined. By amount as `[{ upTo: "10", confirmations: 1 }, { confirmations: 12 }]`, in each token.',
        ),
      reorgBlocks: z
        .int()
        .min(1)
        .max(10_000)
        .optional()
        .describe(
          'How deep what was booked is watched, in case a reorganisation takes it back; twice the confirmations when left out.',
        ),
      startBlock: z
        .int()
        .min(0)
        .describe('First block to read: that of the escrow’s deployment; `./run deploy` prints it.'),
      pollMs: z.int().min(50).max(600_000).default(4_000).describe('Time between looks at the chain.'),
      timeoutMs: z
        .int()
        .min(100)
        .max(600_000)
        .default(30_000)
        .describe('Time for a transaction to be mined.'),
    })
    .describe('The chain that is paid on.'),
  escrow: address.describe('Address of the ChannelEscrow contract; `./run deploy` prints it.'),
  tokens: z
    .record(
      z.string().regex(/^[A-Za-z0-9.]{1,16}$/, 'must be a symbol of up to 16 letters and digits'),
      token,
    )
    .refine((tokens) => Object.keys(tokens).length > 0, 'must name at least one token')
    .describe('Tokens by symbol.'),
  routes: z
    .array(route)
    .min(1, 'must list at least one route; routes not listed are closed')
    .describe('What is sold. Routes not listed are closed.'),
  settlement: z
    .strictObject({
      threshold: decimal
        .default('1')
        .describe('A channel is settled once this much, in its token, is unsettled.'),
      maxAgeSeconds: z
        .int()
        .min(1)
        .default(86_400)
        .describe('… or once its oldest unsettled call is this old.'),
      everyMs: z.int().min(50).default(30_000).describe('Time between looks at what is due.'),
      closeMarginSeconds: z
        .int()
        .min(0)
        .default(300)
        .describe('Alarm when a payer’s grace period ends within this and its vouchers are not settled.'),
    })
    .prefault({})
    .describe('When vouchers are brought to the chain.'),
  exposure: z
    .strictObject({
      perChannel: decimal.default('100').describe('Most on one channel.'),
      contractSigner: decimal
        .default('10')
        .describe('Most on a channel whose vouchers a contract confirms (ERC-1271).'),
      total: decimal.default('10000').describe('Most on all channels.'),
    })
    .prefault({})
    .describe('Most that may be spent on channels and not settled, in each token; above it we settle first.'),
  gasBudgets: z
    .strictObject({
      perPayer: z.int().min(0).default(20).describe('Relayed deposits of one payer in a window.'),
      newcomers: z
        .int()
        .min(0)
        .default(500)
        .describe('… of all payers together who have bought nothing on a channel yet.'),
      total: z.int().min(0).default(2_000).describe('… of everybody.'),
      windowSeconds: z.int().min(1).default(3_600).describe('Length of the window.'),
      gasPerTransaction: z.int().min(21_000).default(500_000).describe('Most gas that one of them may need.'),
    })
    .prefault({})
    .describe('How many opens and top-ups we pay the gas of; 0 is none.'),
  losses: z
    .strictObject({
      perPayer: decimal.default('1').describe('Most that one payer may owe us, in each token.'),
      total: decimal.default('100').describe('Most that all payers together may owe us, in each token.'),
      windowSeconds: z
        .int()
        .min(1)
        .default(86_400)
        .describe('How long a loss counts. What is delivered and not settled counts until it is.'),
    })
    .prefault({})
    .describe(
      'Loss budget of routes with `settle: "after"`: above it they settle `before-release`, for that payer or for all.',
    ),
  withdrawals: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Whether a wallet may have its credit paid out on chain.'),
      minimum: decimal.default('1').describe('Least withdrawal, in its token: we pay the gas.'),
      dailyPerWallet: decimal.default('100').describe('Most that one wallet may withdraw in 24 hours.'),
      dailyTotal: decimal.default('1000').describe('Most that all wallets may withdraw in 24 hours.'),
      holdAbove: decimal.default('50').describe('Above this a withdrawal waits for an operator’s approval.'),
    })
    .prefault({})
    .describe('Paying credit out. Amounts hold for each token, in its own unit.'),
  audit: z
    .strictObject({
      everySeconds: z
        .int()
        .min(0)
        .max(2_592_000)
        .default(3_600)
        .describe(
          'Time between audits beside the running gateway, and at least nine times what the last one took; 0 is never.',
        ),
      stopOnDrift: z
        .boolean()
        .default(false)
        .describe('Sell nothing while the books and the chain disagree; each route may say otherwise.'),
    })
    .prefault({})
    .describe('The audit that runs by itself.'),
  limits: z
    .strictObject({
      maxBodyBytes: z.int().min(0).default(10_485_760).describe('Largest request body that is forwarded.'),
      boundBodyBytes: z
        .int()
        .min(0)
        .max(16_777_216)
        .default(1_048_576)
        .describe(
          'Largest request body that is bound to its payment by a digest; larger ones stream unbound.',
        ),
      storedAnswerBytes: z
        .int()
        .min(0)
        .max(16_777_216)
        .default(65_536)
        .describe('Largest answer that is kept, sealed, so that the same credential gets it again.'),
      storedAnswerSeconds: z.int().min(0).default(3_600).describe('How long an answer is kept.'),
      storedAnswersTotalBytes: z
        .int()
        .min(0)
        .default(1_073_741_824)
        .describe(
          'Most that all stored answers take. Looked at once a minute: the oldest of payments that have ended go first.',
        ),
      waitSeconds: z
        .int()
        .min(0)
        .max(60)
        .default(30)
        .describe(
          'Longest wait that `Prefer: wait=N` gets for a call that is still running, or a deposit that is being made.',
        ),
      waiters: z.int().min(0).default(1_000).describe('Most callers that wait at once.'),
      idleMs: z.int().min(100).default(30_000).describe('Longest silence inside an upstream’s answer.'),
    })
    .prefault({})
    .describe('Bounds on what strangers and upstreams may send.'),
  challengeSeconds: z.int().min(10).max(3_600).default(300).describe('How long an offer may be taken up.'),
  gateSeconds: z
    .int()
    .min(0)
    .max(3_600)
    .default(15)
    .describe('How long a wallet’s holding is remembered; access ends within it after the token left.'),
  sessionSeconds: z.int().min(60).max(2_592_000).default(86_400).describe('How long a sign-in lasts.'),
})

export type RawConfig = z.output<typeof schema>

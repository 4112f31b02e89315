import { createCipheriv, createSecretKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import Database from 'better-sqlite3'
import { Pool } from 'undici'
import { type Accepted, type Channels, createTill } from './servers/till.ts'

/**
 * `limit-kept.ts JOB.json`: how fast a call could be that keeps the promise. What `limit.ts` does, and: the call is written
 * durably before it is forwarded and once more before its answer is released, with the answer sealed beside it (the same
 * credential gets it again), and the receipt is signed. A caller with a session pays from its balance. Still no router, no
 * offers, no policies, no double entry, no audit: one narrow row for each call.
 */
const [path = ''] = process.argv.slice(2)
const job = JSON.parse(readFileSync(path, 'utf8')) as KeptJob
const till = createTill(job)
const price = Number(job.price)
const sessions = new Map(job.sessions.map((session, row) => [session, row]))
const pool = new Pool(`http://127.0.0.1:${job.upstream}`, { connections: 128, pipelining: 1 })
const key = createSecretKey(randomBytes(32))
const { privateKey } = generateKeyPairSync('ed25519')

const database = new Database(job.database)
database.pragma('journal_mode = WAL')
database.pragma('synchronous = FULL')
database.exec(`
  CREATE TABLE payers (id INTEGER PRIMARY KEY, spent INTEGER NOT NULL, cumulative INTEGER, signature BLOB);
  CREATE TABLE calls (id INTEGER PRIMARY KEY, payer INTEGER NOT NULL, at INTEGER NOT NULL, delivered INTEGER NOT NULL,
    answer BLOB);
`)
const begin = database.prepare('BEGIN IMMEDIATE')
const commit = database.prepare('COMMIT')
const insert = database.prepare('INSERT INTO payers VALUES (?, 0, NULL, NULL)')
const raise = database.prepare('UPDATE payers SET cumulative = ?, signature = ? WHERE id = ?')
const claim = database.prepare('INSERT INTO calls VALUES (?, ?, ?, 0, NULL)')
const capture = database.prepare('UPDATE calls SET delivered = 1, answer = ? WHERE id = ?')
const spend = database.prepare('UPDATE payers SET spent = spent + ? WHERE id = ?')
begin.run()
for (let row = 0; row < Math.max(till.channels.length, sessions.size); row += 1) insert.run(row)
commit.run()

type Step = { write(): void; done(): void }
let queue: Step[] = []

function flush(): void {
  const group = queue
  queue = []
  begin.run()
  for (const { write } of group) write()
  commit.run()
  for (const { done } of group) done()
}

/** Resolves when what is written is durable, with everything else that came in the same turn. */
function durably(write: () => void): Promise<void> {
  if (queue.length === 0) setImmediate(flush)
  return new Promise((resolve) => queue.push({ write, done: resolve }))
}

type Answer = { status: number; headers: Record<string, string | string[] | undefined>; body: Buffer }

function forward(target: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let head: Omit<Answer, 'body'>
    pool.dispatch(
      { path: target, method: 'GET' },
      {
        onRequestStart() {},
        onResponseStart(_controller, status, headers) {
          const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...passed } = headers
          head = { status, headers: passed }
        },
        onResponseData: (_controller, chunk) => void chunks.push(chunk),
        onResponseEnd: () => resolve({ ...head, body: Buffer.concat(chunks) }),
        onResponseError: (_controller, error) => reject(error),
      },
    )
  })
}

function seal({ status, headers, body }: Answer): Buffer {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const text = cipher.update(Buffer.concat([Buffer.from(JSON.stringify({ status, headers })), body]))
  cipher.final()
  return Buffer.concat([nonce, cipher.getAuthTag(), text])
}

const protectedHeader = Buffer.from(JSON.stringify({ alg: 'EdDSA', typ: 'receipt' })).toString('base64url')

function receipt(id: number, payer: number): string {
  const claims = { jti: String(id), sub: payer, iat: Math.floor(Date.now() / 1_000), amount: job.price }
  const input = `${protectedHeader}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
  return `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`
}

let calls = 0

async function serve(payer: number, accepted: Accepted | null, target: string): Promise<[Answer, string]> {
  const id = ++calls
  await durably(() => {
    if (accepted !== null) raise.run(accepted.cumulative, accepted.signature, payer)
    claim.run(id, payer, Date.now())
  })
  const answer = await forward(target)
  await durably(() => {
    capture.run(seal(answer), id)
    spend.run(price, payer)
  })
  return [answer, receipt(id, payer)]
}

createServer((request, response) => {
  const { authorization = '' } = request.headers
  const accepted = till.accept(authorization)
  const payer = accepted?.channel.row ?? sessions.get(authorization.replace(/^Bearer /, ''))
  if (payer === undefined) {
    response.writeHead(402)
    response.end()
    return
  }
  serve(payer, accepted, request.url ?? '/').then(
    ([{ status, headers, body }, receipted]) => {
      response.writeHead(status, { ...headers, receipt: receipted })
      response.end(body)
    },
    () => response.destroy(),
  )
}).listen(job.port, '127.0.0.1', () => process.stdout.write('ready\n'))
process.on('SIGTERM', () => {
  database.close()
  process.exit(0)
})

/** What the prototype is told. */
export type KeptJob = Channels & { port: number; upstream: number; database: string; sessions: string[] }

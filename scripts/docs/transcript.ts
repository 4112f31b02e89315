import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { privateKeyToAccount } from 'viem/accounts'
import { createPayingFetch } from '../../client/index.ts'
import { type DevStack, startDevStack } from '../dev/dev-stack.ts'

/**
 * Writes the transcript of one paid call into the README, from a call that was really made: `node
 * scripts/docs/transcript.ts`. What differs from run to run is cut short, so that the text stays the same.
 */

const readme = new URL('../../README.md', import.meta.url)
const markers = /(<!-- transcript -->\n)[\s\S]*?(<!-- \/transcript -->)/

/** Makes a paid call on a fresh stack and says what went over the wire. */
export async function transcript(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'farthing-transcript-'))
  try {
    const stack = await startDevStack({ directory, port: 0, rpcPort: 0 })
    try {
      return await record(stack)
    } finally {
      await stack.close()
    }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** The README with this transcript in it. */
export async function readmeWith(text: string): Promise<string> {
  const current = await readFile(readme, 'utf8')
  return current.replace(
    markers,
    (_, open: string, close: string) => `${open}\`\`\`http\n${text}\`\`\`\n${close}`,
  )
}

async function record({ info }: DevStack): Promise<string> {
  const [wallet] = info.wallets
  if (wallet === undefined) throw new Error('The stack has no wallet.')
  const exchanges: string[] = []
  const path = '/countries/AT'
  const paying = createPayingFetch({
    account: privateKeyToAccount(wallet.privateKey),
    rails: ['charge'],
    limits: { perCall: 10_000n, perDay: 1_000_000n },
    fetch: async (input, init) => {
      const request = new Request(input, init)
      const response = await fetch(request)
      if (new URL(request.url).pathname === path) exchanges.push(await write(request, response.clone(), path))
      return response
    },
  })
  const paid = await paying(info.gatewayUrl + path)
  await paid.arrayBuffer()
  if (!paid.ok) throw new Error(`The paid call was answered ${paid.status}; there is nothing to show.`)
  return exchanges.join('\n')
}

const requestHeaders = ['authorization', 'payment-signature']
const responseHeaders = [
  'www-authenticate',
  'payment-required',
  'payment-receipt',
  'payment-response',
  'farthing-receipt',
  'cache-control',
  'content-type',
]

async function write(request: Request, response: Response, path: string): Promise<string> {
  const lines = [`> ${request.method} ${path} HTTP/1.1`]
  for (const name of requestHeaders) {
    const value = request.headers.get(name)
    if (value !== null) lines.push(`> ${name}: ${short(value)}`)
  }
  lines.push(`< HTTP/1.1 ${response.status} ${response.status === 402 ? 'Payment Required' : 'OK'}`)
  for (const name of responseHeaders) {
    const value = response.headers.get(name)
    if (value === null) continue
    for (const part of value.split(/, (?=Payment )/)) lines.push(`< ${name}: ${short(part)}`)
  }
  const body: Record<string, unknown> = await response.json()
  const shown =
    response.status === 402 ? pick(body, ['title', 'status', 'detail', 'code']) : pick(body, ['name'])
  lines.push(
    '<',
    ...JSON.stringify(shown, null, 2)
      .split('\n')
      .map((line) => `< ${masked(line)}`),
  )
  return `${lines.join('\n')}\n`
}

function pick(body: Record<string, unknown>, names: string[]): Record<string, unknown> {
  const chosen = Object.fromEntries(names.flatMap((name) => (name in body ? [[name, body[name]]] : [])))
  const { name } = chosen as { name?: { common?: string } }
  return name === undefined ? chosen : { name: { common: name.common } }
}

/** Long tokens by their beginning; what is new in every run not at all. */
function short(value: string): string {
  return masked(
    value
      .replace(/\b(id|expires|opaque)="[^"]*"/g, '$1="…"')
      .replace(/[A-Za-z0-9+/_=.-]{40,}/g, (token) => `${token.slice(0, 20)}…`),
  )
}

const masked = (line: string) =>
  line.replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:8402').replace(/0x[0-9a-fA-F]{40,}/g, '0x…')

if (import.meta.main) await writeFile(readme, await readmeWith(await transcript()))

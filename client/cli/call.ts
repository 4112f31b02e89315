import { readFileSync, writeFileSync } from 'node:fs'
import * as Amount from '../../gateway/protocol/Amount.ts'
import type { Payment } from '../Context.ts'
import * as Problem from '../Problem.ts'
import { plain } from '../plain.ts'
import { decimalsOf, payingFetchOf, type SharedOptions } from './Environment.ts'
import { exitCode, UsageError } from './exit-code.ts'
import { note } from './output.ts'

/** `farthing call URL`: a call as curl makes it, paid for. */
export type CallOptions = SharedOptions & {
  request?: string
  header?: string[]
  data?: string
  dataBinary?: string
  include?: boolean
  output?: string
  verbose?: boolean
  idempotencyKey?: string
}

/** Makes the call and returns the exit code. */
export async function call(url: string, options: CallOptions): Promise<number> {
  const payments: Payment[] = []
  const decimals = decimalsOf(options)
  const payingFetch = payingFetchOf(options, { onPayment: (payment) => payments.push(payment) })
  const body = bodyOf(options)
  const response = await payingFetch(target(url), {
    method: options.request ?? (body === undefined ? 'GET' : 'POST'),
    headers: headersOf(options, body),
    ...(body === undefined ? {} : { body }),
  })
  const problem = response.ok ? {} : await Problem.read(response)
  const bytes = new Uint8Array(await response.arrayBuffer())
  if (options.verbose === true) note(head(response))
  for (const payment of payments) note(describe(payment, decimals))
  const detail = plain(problem.detail)
  if (detail !== '') note(`The server says, in its own words: ${JSON.stringify(detail)}`)
  if (options.json === true) writeOut(options, json(response, bytes, payments))
  else {
    if (options.include === true) process.stdout.write(`${head(response)}\n`)
    writeOut(options, bytes)
  }
  return response.status >= 400 ? exitCode.failed : exitCode.ok
}

function target(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed?.protocol === 'http:' || parsed?.protocol === 'https:') return parsed
  throw new UsageError(`${plain(url, 80)} is not an http or https URL.`)
}

function bodyOf(options: CallOptions): string | Uint8Array<ArrayBuffer> | undefined {
  const binary = options.dataBinary
  if (binary === undefined) return options.data
  if (!binary.startsWith('@')) return binary
  try {
    return new Uint8Array(readFileSync(binary === '@-' ? 0 : binary.slice(1)))
  } catch {
    throw new UsageError(`The file ${plain(binary.slice(1), 80)} cannot be read.`)
  }
}

function headersOf(options: CallOptions, body: unknown): Headers {
  const headers = new Headers(
    body === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' },
  )
  for (const line of options.header ?? []) {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):(.*)$/.exec(line) ?? []
    if (name === undefined || value === undefined)
      throw new UsageError(`Header ${plain(line, 40)} is not "Name: value".`)
    headers.set(name, value.trim())
  }
  if (options.idempotencyKey !== undefined) headers.set('Idempotency-Key', options.idempotencyKey)
  return headers
}

function head(response: Response): string {
  const lines = [...response.headers].map(([name, value]) => `${name}: ${plain(value, 4_000)}`)
  return [`HTTP ${response.status} ${plain(response.statusText, 80)}`.trim(), ...lines, ''].join('\n')
}

function describe(payment: Payment, decimals: number): string {
  const channel = payment.channelId === undefined ? '' : `, channel ${payment.channelId}`
  const id = payment.paymentId === undefined ? '' : `, payment ${plain(payment.paymentId, 80)}`
  return `Paid ${Amount.format(payment.amount, decimals)} of token ${payment.token} by ${payment.rail}${channel}${id}.`
}

function json(response: Response, bytes: Uint8Array, payments: readonly Payment[]): string {
  const text = decode(bytes)
  const answer = {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    ...(text === undefined ? { bodyBase64: Buffer.from(bytes).toString('base64') } : { body: text }),
    payments,
  }
  return `${JSON.stringify(answer, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value), 2)}\n`
}

/** A terminal gets no control sequences of a stranger; a file or a pipe gets the bytes as they are. */
function writeOut(options: CallOptions, content: Uint8Array | string): void {
  if (options.output !== undefined) writeFileSync(options.output, content)
  else if (process.stdout.isTTY !== true) process.stdout.write(content)
  else {
    const text = typeof content === 'string' ? content : decode(content)
    if (text === undefined) note('The answer is binary. Fix: write it to a file with -o.')
    else process.stdout.write(text.replace(/[^\P{Cc}\n\t]/gu, ''))
  }
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

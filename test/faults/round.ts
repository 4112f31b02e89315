import { type Hex, keccak256 } from 'viem'
import { expect, vi } from 'vitest'
import * as Account from '../../gateway/ledger/Account.ts'
import * as Asset from '../../gateway/ledger/Asset.ts'
import { offers, type wallet } from '../support/wallet.ts'
import type { House } from './house.ts'
import type { Stop } from './Stop.ts'

/** What every call costs, base units. */
export const price = 10_000n

/**
 * One call, and the step of its life at which the process is killed.
 *
 * | `at` | The process dies when |
 * |---|---|
 * | a stop | an operation of the books is about to be done, or is done and nobody has heard of it |
 * | `called` | the upstream has been called and has not answered |
 * | `first-byte` | the caller has the first piece of a stream, and the upstream holds the next one back |
 * | `sending` | its transaction is on its way to the node, which never hears of it |
 * | `sent` | the node has its transaction, and has not said so |
 * | `asked` | its transaction is mined, and the node is asked for its receipt |
 */
export type Case = {
  name: string
  rail: 'mpp' | 'x402' | 'channel' | 'opening' | 'balance'
  path: string
  at: Pick<Stop, 'when' | 'operation' | 'kind'> | 'called' | 'first-byte' | AtNode
  /** Nobody else gets past this step while it stands still there: it is gone to when all others stand. */
  last?: boolean
}

type AtNode = 'sending' | 'sent' | 'asked'

/** What became of it, after a restart and as many repetitions of the credential as it took. */
export type Outcome = {
  /** What its caller was told in the end: `answer`, or the code of a problem. */
  told: string
  /** How often the upstream ran. */
  runs: number
  /** How often it was paid, what is credit again not counted. */
  paid: number
  /** How often its price was moved on chain by a transfer of its own. */
  moved: number
}

export type Sent = {
  tag: string
  payer: wallet.Wallet
  url: string
  headers: Record<string, string>
  of: Case
}

/** Kills the process when each of the calls stands at its step, starts it again, and asks after each of them. */
export async function killAt(home: House, cases: readonly Case[]): Promise<Map<string, Outcome>> {
  const sent = await Promise.all(cases.map((one) => prepare(home, one)))
  const stops = sent.flatMap(({ tag, payer, of: { at } }) =>
    typeof at === 'string' ? [] : [{ name: tag, wallet: payer.address, ...at }],
  )
  if (stops.length > 0) await home.stopAt(stops)
  const standing = new Map(sent.map(({ tag }) => [tag, Promise.withResolvers<void>()]))
  const hold = (kind: Case['at']) => async (seen: { url: string }) => {
    const one = sent.find(({ tag, of }) => seen.url.endsWith(`=${tag}`) && of.at === kind)
    if (one === undefined) return
    standing.get(one.tag)?.resolve()
    await new Promise(() => {})
  }
  home.upstream.onRequest = hold('called')
  home.upstream.midway = async (seen) => {
    if (sent.some(({ tag, of }) => seen.url.endsWith(`=${tag}`) && of.at === 'first-byte'))
      await new Promise(() => {})
  }
  const [atNode] = sent.filter(({ of }) => of.at === 'sending' || of.at === 'sent' || of.at === 'asked')
  if (atNode !== undefined) killAtNode(home, atNode, () => standing.get(atNode.tag)?.resolve())
  const missing = new Set(sent.map(({ tag }) => tag))
  const late = setTimeout(() => {
    const error = new Error(`Did not get to its step: ${[...missing].join(', ')}.`)
    for (const { reject } of standing.values()) reject(error)
  }, 60_000)
  const go = async (one: Sent) => {
    const { tag, of } = one
    if (typeof of.at !== 'string') void home.reached(tag).then(standing.get(tag)?.resolve)
    void call(one, () => of.at === 'first-byte' && standing.get(tag)?.resolve())
    await standing.get(tag)?.promise
    missing.delete(tag)
  }
  await Promise.all(sent.filter(({ of }) => of.last !== true).map(go))
  for (const one of sent) if (one.of.last === true) await go(one)
  clearTimeout(late)
  home.kill()
  home.upstream.onRequest = () => {}
  home.upstream.midway = () => {}
  await home.again()
  const outcomes = await Promise.all(
    sent.map(async (one) => [one.of.name, await outcomeOf(home, one, await insist(one))] as const),
  )
  return new Map(outcomes)
}

/** The node's side of it: the process is dead before anything comes back to it. */
function killAtNode({ node, kill }: House, { payer, of }: Sent, done: () => void): void {
  let hash: Hex | null = null
  const die = () => {
    kill()
    done()
  }
  node.judge = (method, [given]) => {
    if (method === 'eth_sendRawTransaction' && String(given).includes(payer.address.slice(2))) {
      hash = keccak256(given as Hex)
      if (of.at === 'sending') die()
      return of.at === 'asked' ? 'pass' : of.at === 'sending' ? 'refuse' : 'lose'
    }
    if (method !== 'eth_getTransactionReceipt' || of.at !== 'asked' || given !== hash) return 'pass'
    die()
    return 'refuse'
  }
  node.acted = (method, [given]) => {
    if (method !== 'eth_sendRawTransaction' || of.at !== 'sent') return
    if (keccak256(given as Hex) === hash) die()
  }
}

/** A wallet of its own for a call, and the credential that pays for it. */
export async function prepare(home: House, of: Case, known?: wallet.Wallet): Promise<Sent> {
  const payer = known ?? (await home.payer())
  const tag = `${of.name}-${payer.address.slice(2, 8)}`.replaceAll(/[^\w-]+/g, '-')
  const url = `${home.url}${of.path}?call=${tag}`
  return { tag, payer, url, of, headers: await credential(home, of, payer, url) }
}

export async function credential(
  home: House,
  { rail }: Case,
  payer: wallet.Wallet,
  url: string,
): Promise<Record<string, string>> {
  if (rail === 'balance') {
    const topUp = await payer.topUp(home.url, '0.05')
    if (topUp.status !== 200) throw new Error(`The top-up was answered ${topUp.status}.`)
    const token = await payer.signIn(home.url)
    return { authorization: `Bearer ${token}`, 'idempotency-key': 'the-call' }
  }
  const offered = await offers(url)
  if (rail === 'mpp') return payer.charge(offered.charge)
  if (rail === 'x402') return payer.exact(offered.x402)
  const channel = payer.channel({ deposit: 200_000n })
  channels.set(payer, channel)
  if (rail === 'opening') return channel.open(offered.session, price)
  const first = `${home.url}/channel?opening`
  const opened = await fetch(first, {
    headers: await channel.open((await offers(first)).session, price),
  })
  if (opened.status !== 200) throw new Error(`The channel's opening was answered ${opened.status}.`)
  await opened.arrayBuffer()
  return channel.voucher(offered.session, 2n * price)
}

/** The channel of a wallet that has one. */
export const channels = new WeakMap<wallet.Wallet, wallet.Channel>()

/** Sends it, and reads what comes until it is cut off. */
async function call({ url, headers }: Sent, heard: () => unknown): Promise<void> {
  try {
    const response = await fetch(url, { headers })
    for await (const _ of response.body ?? []) if (response.status === 200) heard()
  } catch {
    // The process was killed.
  }
}

/** Sends the very same call again, until it is told how it ended. */
export async function insist({ url, headers }: Sent): Promise<Response> {
  return vi.waitFor(
    async () => {
      const response = await fetch(url, { headers })
      const waits = response.status === 503 || response.headers.has('retry-after')
      if (waits) throw new Error(`Still told ${response.status}: ${await response.text()}`)
      return response
    },
    { timeout: 30_000, interval: 20 },
  )
}

export async function outcomeOf(home: House, { tag, payer, of }: Sent, response: Response): Promise<Outcome> {
  const problem = (response.headers.get('content-type') ?? '').includes('problem')
  const body = await response.text()
  const told = problem ? (JSON.parse(body) as { code: string }).code : 'answer'
  // What was released before its transfer is settled behind its caller's back.
  await vi.waitFor(
    async () => {
      const open = await home.look((books) => books.openPayments(1_000))
      expect(open.filter(({ wallet }) => wallet === payer.address)).toEqual([])
    },
    { timeout: 20_000 },
  )
  const moved = (await home.transfers(payer)).length
  const { credit, spent } = await home.look(async (books) => {
    const asset = Asset.of(home.chain.chainId, home.chain.token)
    const channel = channels.get(payer)
    return {
      credit: (await books.balance(Account.wallet(payer.address), asset)).posted,
      spent: channel === undefined ? 0n : ((await books.channel(channel.id))?.spent ?? 0n),
    }
  })
  const had: Record<Case['rail'], bigint> = {
    mpp: BigInt(moved) * price,
    x402: BigInt(moved) * price,
    channel: spent - price,
    opening: spent,
    balance: 50_000n,
  }
  return {
    told,
    runs: home.runs(tag),
    paid: Number((had[of.rail] - credit) / price),
    moved: of.rail === 'balance' ? moved - 1 : moved,
  }
}

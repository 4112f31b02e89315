import { systemClock } from '../../gateway/clock.ts'
import * as Account from '../../gateway/ledger/Account.ts'
import * as Asset from '../../gateway/ledger/Asset.ts'
import { openSqliteLedger } from '../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { price, routes, startGateway } from './Gateway.ts'
import { request } from './load/request.ts'
import type { Row } from './Row.ts'
import { paidRequests, type Signed, sessionOffer, signOnce, signVouchers } from './vouchers.ts'

/** Calls a second that vouchers are signed for: more than the prototype makes. */
export const fastest = 12_000

/** The gateway, with the same call free and paid in three ways. */
export const gatewayRows: readonly Row[] = [
  row('free', 'free, proxied', async ({ stand }) => ({
    script: stand.payers.map(() => [request(routes.free)]),
    refused: [],
    loop: true,
  })),
  row('channel', 'channel, a fresh voucher each call', async ({ stand, calls }, url) => {
    const toRequest = paidRequests(await sessionOffer(url), stand.chain.chainId)
    const script = freshVouchers(stand, calls(fastest)).map((signed) => signed.map(toRequest))
    return { script, refused: forgedVouchers(stand).map(toRequest), loop: false }
  }),
  row('channel-repeated', 'channel, one voucher for all calls', async ({ stand }, url) => {
    const toRequest = paidRequests(await sessionOffer(url), stand.chain.chainId)
    const script = stand.payers.map((payer) => [toRequest(signOnce(payer, 5_000_000, stand.chain))])
    return { script, refused: forgedVouchers(stand).map(toRequest), loop: true }
  }),
  row('balance', 'balance, a signed-in wallet', async ({ stand }) => {
    const spend = (session: string) => request(routes.paid, { authorization: `Bearer ${session}` })
    const script = stand.payers.map(({ session }) => [spend(session)])
    return { script, refused: [spend('not-a-session-of-anybody')], loop: true }
  }),
  row(
    'free-post',
    'free, a POST of 1 kB',
    async ({ stand }) => ({
      script: stand.payers.map(() => [request(routes.free, {}, oneKilobyte)]),
      refused: [],
      loop: true,
    }),
    'POST',
  ),
  row(
    'balance-post',
    'balance, a POST of 1 kB',
    async ({ stand }) => {
      const spend = (session: string) =>
        request(routes.paid, { authorization: `Bearer ${session}` }, oneKilobyte)
      const script = stand.payers.map(({ session }) => [spend(session)])
      return { script, refused: [spend('not-a-session-of-anybody')], loop: true }
    },
    'POST',
  ),
]

const oneKilobyte = 'x'.repeat(1_024)

type Method = 'GET' | 'POST'
type Prepare = (
  context: Row.Context,
  url: string,
) => Promise<Pick<Row.Started, 'script' | 'refused' | 'loop'>>

function row(name: string, title: string, prepare: Prepare, method: Method = 'GET'): Row {
  return {
    name,
    title,
    skipped: null,
    hasProbe: true,
    async start(context) {
      const { stand, folder, probe } = context
      const database = stand.freshLedger(folder)
      const asset = Asset.of(stand.chain.chainId, stand.chain.token)
      const before = await earned(database, method, asset)
      const server = await startGateway({ ...stand, upstream: stand.upstream.port, folder, database, probe })
      try {
        const prepared = await prepare(context, `http://127.0.0.1:${stand.port}`)
        const check = async (answered: number) => {
          const booked = Number(((await earned(database, method, asset)) - before) / price)
          if (booked !== (name.startsWith('free') ? 0 : answered))
            throw new Error(`${name}: ${answered} calls were answered and ${booked} are in the books.`)
        }
        return { server, port: stand.port, ...prepared, check }
      } catch (error) {
        await server.stop()
        throw error
      }
    },
  }
}

/** What the paid route has earned, base units. */
async function earned(database: string, method: Method, asset: Asset.Asset): Promise<bigint> {
  const ledger = await openSqliteLedger({ path: database, clock: systemClock })
  try {
    return (await ledger.balance(Account.revenue(`${method} ${routes.paid}`), asset)).posted
  } finally {
    await ledger.close()
  }
}

const signed = new Map<string, Signed[]>()

/** Vouchers of every payer. They are signed once in a run: every sample begins from the same books. */
export function freshVouchers(
  { payers, chain }: Pick<Row.Context['stand'], 'payers' | 'chain'>,
  count: number,
): readonly Signed[][] {
  return payers.map((payer) => {
    const known = signed.get(payer.channelId)
    if (known !== undefined && known.length >= count) return known.slice(0, count)
    const made = signVouchers(payer, count, chain)
    signed.set(payer.channelId, made)
    return made
  })
}

/** A voucher with the signature of another one: it must buy nothing. */
export function forgedVouchers({ payers, chain }: Pick<Row.Context['stand'], 'payers' | 'chain'>): Signed[] {
  return payers.slice(0, 1).flatMap((payer) => {
    const [first, second] = signVouchers(payer, 2, chain)
    return first === undefined || second === undefined ? [] : [{ ...first, signature: second.signature }]
  })
}

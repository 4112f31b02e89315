import { systemClock } from '../../gateway/clock.ts'
import * as Account from '../../gateway/ledger/Account.ts'
import * as Asset from '../../gateway/ledger/Asset.ts'
import { openSqliteLedger } from '../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { price, routes, startGateway } from './Gateway.ts'
import { request } from './load/request.ts'
import type { Row } from './Row.ts'
import { paidRequests, type Signed, sessionOffer, signOnce, signVouchers } from './vouchers.ts'

/** The gateway, with the same call free and paid in three ways. */
export const gatewayRows: readonly Row[] = [
  row('free', 'free, proxied', async ({ stand }) => {
    return stand.payers.map(() => [request(routes.free)])
  }),
  row('channel', 'channel, a fresh voucher each call', async ({ stand, callsEach }, url) => {
    const toRequest = paidRequests(await sessionOffer(url), stand.chain.chainId)
    return freshVouchers(stand, callsEach).map((signed) => signed.map(toRequest))
  }),
  row('channel-repeated', 'channel, one voucher for all calls', async ({ stand }, url) => {
    const toRequest = paidRequests(await sessionOffer(url), stand.chain.chainId)
    return stand.payers.map((payer) => [toRequest(signOnce(payer, 5_000_000, stand.chain))])
  }),
  row('balance', 'balance, a signed-in wallet', async ({ stand }) => {
    return stand.payers.map(({ session }) => [request(routes.paid, { authorization: `Bearer ${session}` })])
  }),
]

type Prepare = (context: Row.Context, url: string) => Promise<Buffer[][]>

function row(name: string, title: string, prepare: Prepare): Row {
  return {
    name,
    title,
    skipped: null,
    hasProbe: true,
    async start(context) {
      const { stand, folder, probe } = context
      const database = stand.freshLedger(folder)
      const asset = Asset.of(stand.chain.chainId, stand.chain.token)
      const before = await earned(database, asset)
      const server = await startGateway({ ...stand, upstream: stand.upstream.port, folder, database, probe })
      try {
        const script = await prepare(context, `http://127.0.0.1:${stand.port}`)
        const check = async (answered: number) => {
          const booked = Number(((await earned(database, asset)) - before) / price)
          if (booked !== (name === 'free' ? 0 : answered))
            throw new Error(`${name}: ${answered} calls were answered and ${booked} are in the books.`)
        }
        return { server, port: stand.port, script, loop: name !== 'channel', check }
      } catch (error) {
        await server.stop()
        throw error
      }
    },
  }
}

/** What the paid route has earned, base units. */
async function earned(database: string, asset: Asset.Asset): Promise<bigint> {
  const ledger = await openSqliteLedger({ path: database, clock: systemClock })
  try {
    return (await ledger.balance(Account.revenue(`GET ${routes.paid}`), asset)).posted
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

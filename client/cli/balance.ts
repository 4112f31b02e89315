import { isAddress } from 'viem'
import * as Amount from '../../gateway/protocol/Amount.ts'
import { isOver } from '../balance/Withdrawal.ts'
import { systemClock } from '../clock.ts'
import { ChannelError } from '../errors.ts'
import { plain } from '../plain.ts'
import { call } from './call.ts'
import { baseUnits, decimalsOf, payingFetchOf, type SharedOptions } from './Environment.ts'
import { exitCode, UsageError } from './exit-code.ts'
import { note, type Row, show } from './output.ts'

/** `farthing balance URL`: what a gateway holds for this wallet, in the gateway's words. */
export async function balance(url: string, options: SharedOptions): Promise<number> {
  const balances = await payingFetchOf(options).balance(url)
  const rows = balances.map(({ symbol, asset, token, decimals, posted, available }): Row => {
    const name = plain(symbol, 16)
    return {
      data: { symbol: name, asset: plain(asset, 120), token, decimals, posted, available },
      cells: {
        token: name,
        available: Amount.format(available, decimals),
        posted: Amount.format(posted, decimals),
      },
    }
  })
  show(rows, options.json === true)
  return exitCode.ok
}

/** `farthing topup AMOUNT URL [--balance|--channel]`: the amount that was asked for is the most it may cost. */
export async function topUp(
  amount: string,
  url: string,
  options: SharedOptions & { balance?: boolean; channel?: boolean; token?: string },
): Promise<number> {
  if (options.balance === true && options.channel === true)
    throw new UsageError('Give --balance or --channel, not both.')
  const units = baseUnits(amount, decimalsOf(options))
  if (!URL.canParse(url)) throw new UsageError(`${plain(url, 80)} is not a URL.`)
  if (options.channel === true) return topUpChannel(units, new URL(url).origin, options)
  const path = options.token === undefined ? '' : `/${encodeURIComponent(options.token)}`
  const target = new URL(`/farthing/balance/top-up${path}`, url)
  target.searchParams.set('amount', amount)
  return call(target.href, { ...options, request: 'POST', maxPrice: amount, rail: ['charge'] })
}

/** `farthing withdraw AMOUNT URL [--to ADDRESS] [--wait]`: credit that a gateway holds, paid out on chain. */
export async function withdraw(
  amount: string,
  url: string,
  options: SharedOptions & { to?: string; token?: string; idempotencyKey?: string; wait?: boolean },
): Promise<number> {
  const { to, token: symbol, idempotencyKey } = options
  const decimals = decimalsOf(options)
  const units = baseUnits(amount, decimals)
  if (!URL.canParse(url)) throw new UsageError(`${plain(url, 80)} is not a URL.`)
  if (to !== undefined && !isAddress(to, { strict: false }))
    throw new UsageError(`${plain(to, 80)} is not an address.`)
  const payingFetch = payingFetchOf(options)
  const request = { amount: units, symbol, to, idempotencyKey }
  let withdrawal = await payingFetch.withdrawBalance(url, request)
  for (let asked = 0; options.wait === true && !isOver(withdrawal) && asked < 60; asked++) {
    await systemClock.wait(2_000)
    withdrawal = await payingFetch.withdrawal(url, withdrawal.id)
  }
  const { id, state, transaction, reason } = withdrawal
  const cells = {
    withdrawal: id,
    amount: Amount.format(withdrawal.amount, decimals),
    to: withdrawal.to,
    state: plain(state, 32),
    transaction: plain(transaction ?? '', 66),
    reason: plain(reason ?? '', 200),
  }
  show([{ data: { ...withdrawal, ...cells, amount: withdrawal.amount }, cells }], options.json === true)
  return state === 'failed' ? exitCode.failed : exitCode.ok
}

async function topUpChannel(units: bigint, origin: string, options: SharedOptions): Promise<number> {
  const payingFetch = payingFetchOf(options)
  const open = (await payingFetch.channels()).find(
    (channel) => channel.origin === origin && channel.state === 'open',
  )
  if (open === undefined)
    throw new ChannelError({
      code: 'channel-unknown',
      message: `There is no open channel with ${origin}.`,
      fix: 'call a resource there first, which opens one.',
    })
  const { channelId, deposit } = await payingFetch.topUp(open.channelId, units)
  note(`The channel holds ${Amount.format(deposit, decimalsOf(options))} in all.`)
  const cells = { channel: channelId, deposit: Amount.format(deposit, decimalsOf(options)) }
  show([{ data: { channelId, deposit }, cells }], options.json === true)
  return exitCode.ok
}

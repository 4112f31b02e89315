import type { Hex } from 'viem'
import * as Amount from '../../gateway/protocol/Amount.ts'
import type { Channel } from '../channel/Channel.ts'
import { ChannelError } from '../errors.ts'
import type { PayingFetch } from '../PayingFetch.ts'
import { decimalsOf, payingFetchOf, type SharedOptions } from './Environment.ts'
import { exitCode, exitCodeOf, UsageError } from './exit-code.ts'
import { note, type Row, show } from './output.ts'

/** `farthing channels`: the channels of this wallet, as this machine knows them. */
export async function channels(options: SharedOptions): Promise<number> {
  const payingFetch = payingFetchOf(options)
  show((await payingFetch.channels()).map(rowOf(options)), options.json === true)
  return exitCode.ok
}

/** `farthing recover URL`: rebuilds channels from what their gateway and the chain remember. */
export async function recover(url: string, options: SharedOptions): Promise<number> {
  const recovered = await payingFetchOf(options).recoverChannels(url)
  note(`${recovered.length} channels were recovered.`)
  show(recovered.map(rowOf(options)), options.json === true)
  return exitCode.ok
}

/** `farthing close [CHANNEL|--all] [--force]`. Closes what it can and says what it could not. */
export async function close(
  channel: string | undefined,
  options: SharedOptions & { all?: boolean; force?: boolean },
): Promise<number> {
  if ((channel === undefined) === (options.all !== true))
    throw new UsageError('Name one channel, or give --all.')
  const payingFetch = payingFetchOf(options)
  const closable = (await payingFetch.channels()).filter(({ state }) => state !== 'closed')
  const chosen = channel === undefined ? closable.map(({ channelId }) => channelId) : [channel as Hex]
  const rows: Row[] = []
  let worst: number = exitCode.ok
  for (const channelId of chosen) {
    try {
      const result =
        options.force === true ? await force(payingFetch, channelId) : await payingFetch.close(channelId)
      rows.push({ data: { ...result, channelId }, cells: cellsOf(channelId, result, decimalsOf(options)) })
    } catch (error) {
      note(error instanceof Error ? error.message : String(error))
      worst = Math.max(worst, exitCodeOf(error))
    }
  }
  show(rows, options.json === true)
  return worst
}

type Result = { transaction?: string | undefined; refunded?: bigint; readyAt?: number }

/** Withdraws when the grace period is over, else asks for the close. */
async function force(payingFetch: PayingFetch, channelId: Hex): Promise<Result> {
  try {
    return await payingFetch.withdraw(channelId)
  } catch (error) {
    if (error instanceof ChannelError) throw error
    return payingFetch.requestClose(channelId)
  }
}

function cellsOf(channelId: Hex, result: Result, decimals: number): Record<string, string> {
  const done = result.refunded === undefined ? 'close requested' : 'closed'
  const then =
    result.refunded === undefined
      ? `withdraw after ${new Date(result.readyAt ?? 0).toISOString()}`
      : `${Amount.format(result.refunded, decimals)} back`
  return { channel: channelId, result: done, then, transaction: result.transaction ?? '' }
}

const rowOf =
  (options: SharedOptions) =>
  (channel: Channel): Row => {
    const amount = (units: bigint) => Amount.format(units, decimalsOf(options))
    const { channelId, origin, state, chainId, token, payee, escrow, deposit, signed, spent } = channel
    return {
      data: { channelId, origin, state, chainId, token, payee, escrow, deposit, signed, spent },
      cells: {
        channel: channelId,
        origin,
        state,
        deposit: amount(deposit),
        signed: amount(signed),
        spent: amount(spent),
      },
    }
  }

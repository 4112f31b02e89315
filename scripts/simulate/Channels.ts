import { encodeFunctionData, type Hex, numberToHex } from 'viem'
import { escrowAbi } from '../../gateway/protocol/abi.ts'
import type * as Challenge from '../../gateway/protocol/mpp/Challenge.ts'
import type { Call } from './Call.ts'
import type { Caller } from './Caller.ts'
import type { Channel, Notebook } from './Notebook.ts'
import type { Random } from './Random.ts'
import type { Signer } from './Signer.ts'
import { chainId } from './SimulatedChain.ts'
import { routes } from './simulated-config.ts'
import { validBefore } from './valid-before.ts'
import type { World } from './World.ts'

/** A payer's channels: it makes them, adds to them, and ends them, with the gateway or through the escrow alone. */
export class Channels {
  readonly #name: string
  readonly #world: World
  readonly #random: Random
  readonly #signer: Signer
  readonly #notebook: Notebook
  readonly #caller: Caller

  constructor(made: Channels.Made) {
    this.#name = made.name
    this.#world = made.world
    this.#random = made.random
    this.#signer = made.signer
    this.#notebook = made.notebook
    this.#caller = made.caller
  }

  /** One to pay a call with, which may be new. */
  usable(price: bigint): Channel {
    const usable = this.#all.find(({ state }) => state === 'new' || state === 'open')
    if (usable !== undefined) return usable
    const deposit = price + BigInt(this.#random.between(1, 20)) * 10_000n
    const made: Channel = { ...this.#signer.channel(deposit), state: 'new', leftAt: 0 }
    this.#all.push(made)
    return made
  }

  /** Does the gateway know it? */
  async isKnown(channel: Channel): Promise<boolean> {
    return (await this.#world.books.channel(channel.id)) !== null
  }

  /** Adds to a deposit that is used up. */
  async topUp(channel: Channel, challenge: Challenge.Challenge, about: Call): Promise<void> {
    const additional = 100_000n
    const until = validBefore(this.#world, this.#random)
    const headers = await this.#signer.topUp(challenge, channel, additional, until)
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const reply = await this.#caller.send({ ...about, headers })
      const deposit = reply?.status === 200 ? depositIn(reply.body) : null
      if (deposit !== null && deposit > channel.deposit) {
        channel.deposit = deposit
        return
      }
      await this.#world.scheduler.sleep(this.#random.between(1_000, 60_000))
    }
  }

  /** Closes a channel with the gateway: it is settled at what its payer knows to have spent. */
  async close(channel: Channel): Promise<void> {
    const about = this.#notebook.newCall('channel', routes[0])
    const offers = await this.#caller.offers(about)
    if (offers?.session == null) return
    const cumulative = this.#notebook.acknowledged(channel.id)
    const headers = await this.#signer.voucher('close', offers.session, channel, cumulative)
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const reply = await this.#caller.send({ ...about, headers }, null, this.#random.between(1, 1_000))
      if (reply !== null && (reply.status === 200 || reply.status === 410)) {
        channel.state = 'closed'
        return
      }
      if (reply !== null && reply.status !== 503) return
      await this.#world.scheduler.sleep(this.#random.between(5_000, 60_000))
    }
  }

  /** Closes every open channel with the gateway. */
  async closeAll(): Promise<void> {
    for (const channel of this.#all) if (channel.state === 'open') await this.close(channel)
  }

  /** Asks the escrow for the rest, without the gateway; or takes it once the time is over. */
  async leave(): Promise<void> {
    const { scheduler } = this.#world
    for (const channel of this.#all) {
      if (channel.state === 'left' && scheduler.now() > channel.leftAt + 1_000_000) {
        await this.#transact('withdraw', channel.id)
        channel.state = 'closed'
        return
      }
      if (channel.state === 'open') {
        channel.state = 'left'
        channel.leftAt = scheduler.now()
        return this.#transact('requestClose', channel.id)
      }
    }
  }

  /** Withdraws from every channel it left. */
  async withdrawAll(): Promise<void> {
    for (const channel of this.#all) {
      if (channel.state !== 'left') continue
      await this.#transact('withdraw', channel.id)
      channel.state = 'closed'
    }
  }

  get #all(): Channel[] {
    return this.#notebook.channels
  }

  #transact(functionName: 'requestClose' | 'withdraw', channelId: Hex): Promise<void> {
    return this.#world.scheduler.perform(() => this.#sendTransaction(functionName, channelId))
  }

  async #sendTransaction(functionName: 'requestClose' | 'withdraw', channelId: Hex): Promise<void> {
    const { chain, journal } = this.#world
    const { account } = this.#signer
    const nonce = Number(await chain.request('eth_getTransactionCount', [account.address, 'pending']))
    const data = encodeFunctionData({ abi: escrowAbi, functionName, args: [channelId] })
    const raw = await account.signTransaction({
      chainId,
      nonce,
      to: chain.escrow,
      data,
      gas: 300_000n,
      maxFeePerGas: 20_000_000_000n,
      maxPriorityFeePerGas: 1_000_000_000n,
    })
    await chain.submit(raw)
    journal.say(`${this.#name} ${functionName} ${channelId.slice(0, 12)} nonce ${numberToHex(nonce)}`)
  }
}

export declare namespace Channels {
  type Made = {
    name: string
    world: World
    random: Random
    signer: Signer
    notebook: Notebook
    caller: Caller
  }
}

function depositIn(body: string): bigint | null {
  const { deposit } = JSON.parse(body) as { deposit?: unknown }
  return typeof deposit === 'string' ? BigInt(deposit) : null
}

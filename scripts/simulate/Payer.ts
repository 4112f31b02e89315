import { type Call, isAcknowledged, isOpen } from './Call.ts'
import { Caller } from './Caller.ts'
import { Channels } from './Channels.ts'
import { Notebook } from './Notebook.ts'
import { send } from './network.ts'
import type { Random } from './Random.ts'
import { type Offers, Signer } from './Signer.ts'
import { chainId } from './SimulatedChain.ts'
import { publicUrl, routes, type SoldRoute } from './simulated-config.ts'
import { validBefore } from './valid-before.ts'
import type { World } from './World.ts'

/**
 * Somebody who pays: now and then it begins to buy something on one of the rails, while other things are still under way,
 * and in the end it asks after all that it was not told.
 */
export class Payer {
  readonly name: string
  /** What it began with, base units. */
  readonly funds: bigint
  readonly signer: Signer
  readonly notebook: Notebook
  readonly channels: Channels
  readonly #world: World
  readonly #random: Random
  readonly #caller: Caller
  #busy = 0
  #session: string | null = null

  constructor(world: World, index: number) {
    this.name = `payer-${index}`
    this.#world = world
    this.#random = world.random.fork(this.name)
    const account = world.chain.payers[index]
    if (account === undefined) throw new Error(`There is no payer ${index}.`)
    this.funds = world.chain.funds[index] ?? 0n
    this.signer = new Signer(account, world.chain, this.#random.fork('keys'))
    this.notebook = new Notebook(this.name, world, this.#random)
    this.#caller = new Caller(this.signer.address, world, this.#random)
    const { name, signer, notebook } = this
    this.channels = new Channels({
      name,
      world,
      random: this.#random,
      signer,
      notebook,
      caller: this.#caller,
    })
  }

  /** Something under way? */
  get busy(): boolean {
    return this.#busy > 0
  }

  /** Lives until a time. */
  async live(until: number): Promise<void> {
    const { scheduler } = this.#world
    for (;;) {
      await scheduler.sleep(this.#random.between(1_000, this.#world.swarm.gapMs * 2))
      if (scheduler.now() >= until) return
      const together = this.#random.chance(0.2) ? this.#random.between(2, 5) : 1
      for (let count = 0; count < together; count += 1) this.#begin(() => this.#act())
    }
  }

  /** Asks after everything that it was not told the end of. True when nothing is left to ask. */
  async conclude(): Promise<boolean> {
    const { calls } = this.notebook
    const open: Call[] = []
    for (const call of calls) if (isOpen(call) || (await this.#mayFetch(call))) open.push(call)
    for (const call of open) await this.#caller.ask(call)
    return !calls.some(isOpen)
  }

  #begin(work: () => Promise<void>): void {
    this.#busy += 1
    work()
      .catch((error: unknown) =>
        this.#world.violate(`${this.name} failed: ${String((error as Error).stack ?? error)}`),
      )
      .finally(() => {
        this.#busy -= 1
      })
  }

  async #act(): Promise<void> {
    const { swarm } = this.#world
    if (this.#random.chance(swarm.onchain)) {
      this.#world.faults.add('channel left through the escrow')
      return this.channels.leave()
    }
    const route = this.#random.pick(routes)
    switch (this.#random.pick(['charge', 'charge', 'channel', 'channel', 'balance'])) {
      case 'charge':
        return this.#charge(route)
      case 'channel':
        return this.#voucher(route)
      default:
        return this.#random.chance(0.4) ? this.#topUp() : this.#balance(route)
    }
  }

  async #charge(route: SoldRoute): Promise<void> {
    const call = this.notebook.newCall('charge', route)
    const offers = await this.#caller.offers(call)
    if (offers === null) return
    if (await this.#payByCharge(call, offers)) await this.#caller.see(call)
  }

  async #payByCharge(call: Call, { charge: challenge, x402: required }: Offers): Promise<boolean> {
    if (challenge === null || required === null) return false
    const offer = this.#random.chance(0.5) ? { challenge } : { required }
    const until = validBefore(this.#world, this.#random)
    const { nonce, headers } = await this.signer.charge(offer, call.price, until)
    const { token } = this.#world.chain
    const key = `eip3009:${chainId}:${token}:${this.signer.address}:${nonce}`.toLowerCase()
    this.notebook.record(call, { key, nonce, headers: { ...call.headers, ...headers } })
    return true
  }

  async #voucher(route: SoldRoute): Promise<void> {
    const call = this.notebook.newCall('channel', route)
    const offers = await this.#caller.offers(call)
    if (offers?.session == null) return
    const channel = this.channels.usable(call.price)
    const cumulative = this.notebook.outstanding(channel.id) + call.price
    const name = `${call.id}-${this.#random.between(0, 999_999)}`
    if (cumulative > channel.deposit) {
      if (channel.state === 'open') await this.channels.topUp(channel, offers.session, call)
      return
    }
    const key = `channel:${channel.id}:call:${name}`
    const headers = { ...call.headers, 'idempotency-key': name }
    // Counted as outstanding from here on: what is signed beside it comes on top.
    this.notebook.record(call, { key, channelId: channel.id, headers })
    this.notebook.sign(channel.id, cumulative)
    const credential =
      channel.state === 'new'
        ? await this.signer.open(offers.session, channel, cumulative, validBefore(this.#world, this.#random))
        : await this.signer.voucher('voucher', offers.session, channel, cumulative)
    Object.assign(call.headers, credential)
    await this.#caller.see(call)
    if (channel.state === 'new' && (isAcknowledged(call) || (await this.channels.isKnown(channel))))
      channel.state = 'open'
    if (channel.state === 'open' && this.#random.chance(this.#world.swarm.closes))
      await this.channels.close(channel)
  }

  async #balance(route: SoldRoute): Promise<void> {
    const session = await this.#signIn()
    if (session === null) return
    const call = this.notebook.newCall('balance', route)
    const name = `${call.id}-${this.#random.between(0, 999_999)}`
    const key = `balance:${this.signer.address}:call:${name}`
    const headers = { authorization: `Bearer ${session}`, 'idempotency-key': name }
    this.notebook.record(call, { key, headers: { ...call.headers, ...headers } })
    await this.#caller.see(call)
  }

  async #topUp(): Promise<void> {
    const price = BigInt(this.#random.between(1, 9)) * 10_000n
    const call: Call = {
      ...this.notebook.newCall('charge', routes[0]),
      kind: 'top-up',
      route: null,
      settle: 'before-call',
      price,
      method: 'POST',
    }
    call.path = `/farthing/balance/top-up?amount=${(Number(price) / 1_000_000).toFixed(6)}`
    const offers = await this.#caller.offers(call)
    if (offers === null) return
    if (await this.#payByCharge(call, offers)) await this.#caller.see(call)
  }

  async #signIn(): Promise<string | null> {
    if (this.#session !== null) return this.#session
    const asked = await send(
      this.#world,
      () => new Request(`${publicUrl}/farthing/sign-in?address=${this.signer.address}`),
      { delayMs: this.#random.between(1, 100) },
    )
    if (asked?.status !== 200) return null
    const { message } = JSON.parse(asked.body) as { message: string }
    const signature = await this.signer.message(message)
    const make = () =>
      new Request(`${publicUrl}/farthing/sign-in`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ message, signature }),
      })
    const opened = await send(this.#world, make)
    if (opened?.status !== 200) return null
    this.#session = (JSON.parse(opened.body) as { token: string }).token
    return this.#session
  }

  /** Told that it costs nothing, and the books say otherwise: then there must be something to fetch. */
  async #mayFetch(call: Call): Promise<boolean> {
    if (isAcknowledged(call)) return false
    const payment = await this.#world.books.payment({ key: call.key })
    return payment !== null && (payment.delivery === 'delivered' || payment.delivery === 'failed')
  }
}

import { encodeFunctionData, type Hex, numberToHex } from 'viem'
import { escrowAbi } from '../../gateway/protocol/abi.ts'
import type * as Challenge from '../../gateway/protocol/mpp/Challenge.ts'
import { type Call, isAcknowledged, isOpen } from './Call.ts'
import { judgeReply } from './judge-reply.ts'
import { type Reply, send } from './network.ts'
import type { Random } from './Random.ts'
import { type Offers, type OwnChannel, readOffers, Signer } from './Signer.ts'
import { chainId } from './SimulatedChain.ts'
import { publicUrl, routes, type SoldRoute } from './simulated-config.ts'
import type { World } from './World.ts'

type Channel = OwnChannel & {
  /** `open` once the gateway has shown that it knows it; `left` once its payer asked the escrow for the rest. */
  state: 'new' | 'open' | 'left' | 'closed'
  leftAt: number
  /** Its payer has asked the gateway to close it. */
  closeAsked: boolean
}

/**
 * Somebody who pays: signs, sends, sends again, loses answers, and writes everything down. It believes nothing but what
 * it signed and what it was answered.
 */
export class Payer {
  readonly name: string
  /** What it began with, base units. */
  readonly funds: bigint
  readonly signer: Signer
  readonly calls: Call[] = []
  readonly channels: Channel[] = []
  readonly #world: World
  readonly #random: Random
  readonly #signed = new Map<Hex, bigint>()
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
  }

  /** Something under way? */
  get busy(): boolean {
    return this.#busy > 0
  }

  /** Lives until a time: now and then it begins to do something, while other things are still under way. */
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
    const open: Call[] = []
    for (const call of this.calls) if (isOpen(call) || (await this.#mayFetch(call))) open.push(call)
    for (const call of open) await this.#present(call, null, true)
    return !this.calls.some(isOpen)
  }

  /** Closes its channels with the gateway: each is settled at what this payer knows to have spent. */
  async closeAll(): Promise<void> {
    for (const channel of this.channels) if (channel.state === 'open') await this.#close(channel)
  }

  /** What this payer knows to have spent on a channel. */
  acknowledged(channelId: Hex): bigint {
    return this.calls
      .filter((call) => call.channelId === channelId && isAcknowledged(call))
      .reduce((sum, { price }) => sum + price, 0n)
  }

  /** The highest voucher it signed for a channel. */
  signed(channelId: Hex): bigint {
    return this.#signed.get(channelId) ?? 0n
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
      return this.#leave()
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

  // ── the rails ─────────────────────────────────────────────────────────────────────────────────────────────────

  async #charge(route: SoldRoute): Promise<void> {
    const call = this.#newCall('charge', route)
    const offers = await this.#offers(call)
    if (offers === null) return
    if (await this.#payByCharge(call, offers)) await this.#see(call)
  }

  async #payByCharge(call: Call, offers: Offers): Promise<boolean> {
    const { challenge, required } = { challenge: offers.charge, required: offers.x402 }
    if (challenge === null || required === null) return false
    const offer = this.#random.chance(0.5) ? { challenge } : { required }
    const signed = await this.signer.charge(offer, call.price, this.#validBefore())
    const { token } = this.#world.chain
    const key = `eip3009:${chainId}:${token}:${this.signer.address}:${signed.nonce}`.toLowerCase()
    this.#record({ ...call, key, nonce: signed.nonce, headers: { ...call.headers, ...signed.headers } }, call)
    return true
  }

  async #voucher(route: SoldRoute): Promise<void> {
    const call = this.#newCall('channel', route)
    const offers = await this.#offers(call)
    if (offers?.session == null) return
    const channel = this.#channel(call.price)
    const cumulative = this.#outstanding(channel) + call.price
    const name = `${call.id}-${this.#random.between(0, 999_999)}`
    if (cumulative > channel.deposit) {
      if (channel.state === 'open') await this.#addToChannel(channel, offers.session, call)
      return
    }
    const key = `channel:${channel.id}:call:${name}`
    // Counted as outstanding from here on: what is signed beside it comes on top.
    this.#record(
      { ...call, key, channelId: channel.id, headers: { ...call.headers, 'idempotency-key': name } },
      call,
    )
    if (cumulative > this.signed(channel.id)) this.#signed.set(channel.id, cumulative)
    const credential =
      channel.state === 'new'
        ? await this.signer.open(offers.session, channel, cumulative, this.#validBefore())
        : await this.signer.voucher('voucher', offers.session, channel, cumulative)
    Object.assign(call.headers, credential)
    await this.#see(call)
    if (channel.state === 'new' && (isAcknowledged(call) || (await this.#isKnown(channel))))
      channel.state = 'open'
    if (channel.state === 'open' && this.#random.chance(this.#world.swarm.closes)) await this.#close(channel)
  }

  async #addToChannel(channel: Channel, challenge: Challenge.Challenge, about: Call): Promise<void> {
    const additional = 100_000n
    const headers = await this.signer.topUp(challenge, channel, additional, this.#validBefore())
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const reply = await this.#send({ ...about, headers })
      const deposit = reply?.status === 200 ? depositIn(reply.body) : null
      if (deposit !== null && deposit > channel.deposit) {
        channel.deposit = deposit
        return
      }
      await this.#world.scheduler.sleep(this.#random.between(1_000, 60_000))
    }
  }

  async #balance(route: SoldRoute): Promise<void> {
    const session = await this.#signIn()
    if (session === null) return
    const call = this.#newCall('balance', route)
    const name = `${call.id}-${this.#random.between(0, 999_999)}`
    const key = `balance:${this.signer.address}:call:${name}`
    const headers = { authorization: `Bearer ${session}`, 'idempotency-key': name }
    this.#record({ ...call, key, headers: { ...call.headers, ...headers } }, call)
    await this.#see(call)
  }

  async #topUp(): Promise<void> {
    const price = BigInt(this.#random.between(1, 9)) * 10_000n
    const call: Call = {
      ...this.#newCall('charge', routes[0]),
      kind: 'top-up',
      route: null,
      settle: 'before-call',
      price,
      method: 'POST',
    }
    call.path = `/farthing/balance/top-up?amount=${(Number(price) / 1_000_000).toFixed(6)}`
    const offers = await this.#offers(call)
    if (offers === null) return
    if (await this.#payByCharge(call, offers)) await this.#see(call)
  }

  async #signIn(): Promise<string | null> {
    if (this.#session !== null) return this.#session
    const asked = await this.#get(`/farthing/sign-in?address=${this.signer.address}`)
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

  // ── sending ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Presents a paid call, in several copies at times, and again while its end is not known. */
  async #see(call: Call): Promise<void> {
    const { swarm, scheduler } = this.#world
    const random = this.#random
    const copies = random.chance(swarm.copies) ? random.between(2, 5) : 1
    this.#world.faults.add('copies at once', copies - 1)
    await Promise.all(Array.from({ length: copies }, () => this.#present(call, this.#loss())))
    if (random.chance(swarm.replays)) await this.#replay(call)
    for (let attempt = 0; attempt < 6 && isOpen(call); attempt += 1) {
      await scheduler.sleep(random.between(1_000, random.pick([5_000, 60_000, 600_000])))
      await this.#present(call, this.#loss())
    }
    // Told everything, and asks once more all the same.
    if (!random.chance(swarm.repeats)) return
    this.#world.faults.add('credential used again')
    await this.#present(call, null)
  }

  async #present(call: Call, lose: send.Options['lose'], alone = false): Promise<void> {
    call.presented += 1
    const reply = await this.#send(call, lose, alone ? 10 : this.#random.between(1, 3_000))
    await judgeReply(this.#world, call, reply, this.signer.address)
  }

  async #send(call: Call, lose: send.Options['lose'] = null, delayMs = 10): Promise<Reply | null> {
    const onResponse = (response: Response) => this.#checkNoFreshOffer(call, response)
    return send(this.#world, () => this.#request(call), { lose, delayMs, onResponse })
  }

  /** The same payment for another call. */
  async #replay(call: Call): Promise<void> {
    if (call.rail !== 'charge') return
    const others = routes.filter(({ method, path }) => method === 'GET' && path !== call.route?.path)
    const path = `${this.#random.pick(others).path}?call=${call.id}-replayed`
    this.#world.faults.add('credential used elsewhere')
    const reply = await this.#send({
      ...call,
      path,
      method: 'GET',
      body: null,
      outcome: 'refused',
      key: 'none',
    })
    if (reply?.status === 200) this.#world.violate(`${call.id} was accepted as payment for ${path}.`)
  }

  #request({ path, method, headers, body }: Call): Request {
    return new Request(publicUrl + path, { method, headers, ...(body === null ? {} : { body }) })
  }

  async #get(path: string): Promise<Reply | null> {
    return send(this.#world, () => new Request(publicUrl + path), { delayMs: this.#random.between(1, 100) })
  }

  /** Asks without paying. */
  async #offers(call: Call): Promise<Offers | null> {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const reply = await send(this.#world, () => this.#request(call), {
        delayMs: this.#random.between(1, 500),
      })
      if (reply?.status === 402) return readOffers(reply.headers)
      if (reply?.status === 200) this.#world.violate(`${call.id} was answered without a payment.`)
      await this.#world.scheduler.sleep(this.#random.between(500, 20_000))
    }
    return null
  }

  #loss(): send.Options['lose'] {
    return this.#random.chance(this.#world.swarm.lostAnswers)
      ? this.#random.pick(['question', 'answer', 'hang-up'])
      : null
  }

  /** A payment that may have moved, or still may, is never answered with offers: that makes an honest client pay twice. */
  async #checkNoFreshOffer(call: Call, response: Response): Promise<void> {
    if (response.status !== 402 || call.key === '') return
    const payment = await this.#world.books.payment({ key: call.key })
    if (payment === null || payment.delivery === 'void') return
    if (payment.money === 'held') return
    this.#world.violate(
      `${call.id} was answered 402 while its payment is ${payment.delivery}/${payment.money}.`,
    )
  }

  // ── channels ──────────────────────────────────────────────────────────────────────────────────────────────────

  #channel(price: bigint): Channel {
    const usable = this.channels.find(({ state }) => state === 'new' || state === 'open')
    if (usable !== undefined) return usable
    const deposit = price + BigInt(this.#random.between(1, 20)) * 10_000n
    const made: Channel = { ...this.signer.channel(deposit), state: 'new', leftAt: 0, closeAsked: false }
    this.channels.push(made)
    return made
  }

  /** Spent for all it knows, and what may be: everything that is not known to be free of charge. */
  #outstanding(channel: Channel): bigint {
    return this.calls
      .filter((call) => call.channelId === channel.id && (isAcknowledged(call) || isOpen(call)))
      .reduce((sum, { price }) => sum + price, 0n)
  }

  async #isKnown(channel: Channel): Promise<boolean> {
    return (await this.#world.books.channel(channel.id)) !== null
  }

  async #close(channel: Channel): Promise<void> {
    const about = this.#newCall('channel', routes[0])
    const offers = await this.#offers(about)
    if (offers?.session == null) return
    const cumulative = this.acknowledged(channel.id)
    const headers = await this.signer.voucher('close', offers.session, channel, cumulative)
    channel.closeAsked = true
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const reply = await this.#send({ ...about, headers }, null, this.#random.between(1, 1_000))
      if (reply !== null && (reply.status === 200 || reply.status === 410)) {
        channel.state = 'closed'
        return
      }
      if (reply !== null && reply.status !== 503) return
      await this.#world.scheduler.sleep(this.#random.between(5_000, 60_000))
    }
  }

  /** Asks the escrow for the rest, without the gateway; or takes it once the time is over. */
  async #leave(): Promise<void> {
    const { scheduler } = this.#world
    for (const channel of this.channels) {
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
    for (const channel of this.channels) {
      if (channel.state !== 'left') continue
      await this.#transact('withdraw', channel.id)
      channel.state = 'closed'
    }
  }

  #transact(functionName: 'requestClose' | 'withdraw', channelId: Hex): Promise<void> {
    return this.#world.scheduler.perform(() => this.#sendTransaction(functionName, channelId))
  }

  async #sendTransaction(functionName: 'requestClose' | 'withdraw', channelId: Hex): Promise<void> {
    const { chain, journal } = this.#world
    const { account } = this.signer
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
    journal.say(`${this.name} ${functionName} ${channelId.slice(0, 12)} nonce ${numberToHex(nonce)}`)
  }

  // ── records ───────────────────────────────────────────────────────────────────────────────────────────────────

  #newCall(rail: Call['rail'], route: SoldRoute): Call {
    const id = `${this.name}.${this.calls.length}.${this.#random.between(0, 0xffff).toString(16)}`
    const body = route.method === 'POST' ? `body of ${id}` : null
    return {
      id,
      kind: 'call',
      rail,
      route,
      settle: route.settle,
      price: route.price,
      key: '',
      method: route.method,
      path: `${route.path}?call=${id}`,
      body,
      headers: {},
      nonce: null,
      channelId: null,
      outcome: 'open',
      answers: [],
      broken: 0,
      lost: 0,
      receipts: [],
      presented: 0,
    }
  }

  /** Writes a call down before anything of it is sent. */
  #record(signed: Call, call: Call): void {
    Object.assign(call, signed)
    this.calls.push(call)
    this.#world.calls.set(call.key.toLowerCase(), call)
    this.#world.journal.say(
      `${this.name} signed ${call.id} ${call.rail} ${call.kind} ${call.settle} ${call.key.slice(-20)}`,
    )
  }

  #validBefore(): number {
    const { scheduler, swarm } = this.#world
    return Math.floor(scheduler.now() / 1_000) + this.#random.between(30, swarm.challengeSeconds)
  }

  /** Told that it costs nothing, and the books say otherwise: then there must be something to fetch. */
  async #mayFetch(call: Call): Promise<boolean> {
    if (isAcknowledged(call)) return false
    const payment = await this.#world.books.payment({ key: call.key })
    return payment !== null && (payment.delivery === 'delivered' || payment.delivery === 'failed')
  }
}

function depositIn(body: string): bigint | null {
  const { deposit } = JSON.parse(body) as { deposit?: unknown }
  return typeof deposit === 'string' ? BigInt(deposit) : null
}

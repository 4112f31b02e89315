import type { Address } from 'viem'
import { type Call, isOpen } from './Call.ts'
import { judgeReply } from './judge-reply.ts'
import { type Reply, send } from './network.ts'
import type { Random } from './Random.ts'
import { type Offers, readOffers } from './Signer.ts'
import { publicUrl, routes } from './simulated-config.ts'
import type { World } from './World.ts'

/** How a payer sends: asks for offers, presents what is paid, in copies and again, elsewhere, and over a network that loses. */
export class Caller {
  readonly #wallet: Address
  readonly #world: World
  readonly #random: Random

  constructor(wallet: Address, world: World, random: Random) {
    this.#wallet = wallet
    this.#world = world
    this.#random = random
  }

  /** Asks without paying. */
  async offers(call: Call): Promise<Offers | null> {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const reply = await send(this.#world, () => requestOf(call), {
        delayMs: this.#random.between(1, 500),
      })
      if (reply?.status === 402) return readOffers(reply.headers)
      if (reply?.status === 200) this.#world.violate(`${call.id} was answered without a payment.`)
      await this.#world.scheduler.sleep(this.#random.between(500, 20_000))
    }
    return null
  }

  /** Presents a paid call, in several copies at times, and again while its end is not known. */
  async see(call: Call): Promise<void> {
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

  /** Asks what became of a paid call, by its credential. */
  ask(call: Call): Promise<void> {
    return this.#present(call, null, 10)
  }

  /** Sends a request that is not judged as a paid call. */
  async send(call: Call, lose: send.Options['lose'] = null, delayMs = 10): Promise<Reply | null> {
    const onResponse = (response: Response) => this.#checkNoFreshOffer(call, response)
    return send(this.#world, () => requestOf(call), { lose, delayMs, onResponse })
  }

  async #present(call: Call, lose: send.Options['lose'], delayMs?: number): Promise<void> {
    call.presented += 1
    const reply = await this.send(call, lose, delayMs ?? this.#random.between(1, 3_000))
    await judgeReply(this.#world, call, reply, this.#wallet)
  }

  /** The same payment for another call. */
  async #replay(call: Call): Promise<void> {
    if (call.rail !== 'charge') return
    const others = routes.filter(({ method, path }) => method === 'GET' && path !== call.route?.path)
    const path = `${this.#random.pick(others).path}?call=${call.id}-replayed`
    this.#world.faults.add('credential used elsewhere')
    const reply = await this.send({
      ...call,
      path,
      method: 'GET',
      body: null,
      outcome: 'refused',
      key: 'none',
    })
    if (reply?.status === 200) this.#world.violate(`${call.id} was accepted as payment for ${path}.`)
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
}

function requestOf({ path, method, headers, body }: Call): Request {
  return new Request(publicUrl + path, { method, headers, ...(body === null ? {} : { body }) })
}

import type { Hex } from 'viem'
import { type Call, isAcknowledged, isOpen } from './Call.ts'
import type { Random } from './Random.ts'
import type { OwnChannel } from './Signer.ts'
import type { SoldRoute } from './simulated-config.ts'
import type { World } from './World.ts'

/** A channel as its payer follows it. */
export type Channel = OwnChannel & {
  /** `open` once the gateway has shown that it knows it; `left` once its payer asked the escrow for the rest. */
  state: 'new' | 'open' | 'left' | 'closed'
  leftAt: number
}

/** What a payer has written down: its calls, its channels, and how far it signed for each. It believes nothing else. */
export class Notebook {
  readonly calls: Call[] = []
  readonly channels: Channel[] = []
  readonly #name: string
  readonly #world: World
  readonly #random: Random
  readonly #signed = new Map<Hex, bigint>()
  #begun = 0

  constructor(name: string, world: World, random: Random) {
    this.#name = name
    this.#world = world
    this.#random = random
  }

  /** A call that is not paid for yet, and not written down. */
  newCall(rail: Call['rail'], route: SoldRoute): Call {
    // Several may be begun before one is written down: each has a number of its own.
    this.#begun += 1
    const id = `${this.#name}.${this.#begun}.${this.#random.between(0, 0xffff).toString(16)}`
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

  /** Writes a call down with what was signed for it, before anything of it is sent. */
  record(call: Call, signed: Partial<Call>): void {
    Object.assign(call, signed)
    this.calls.push(call)
    this.#world.calls.set(call.key.toLowerCase(), call)
    this.#world.journal.say(
      `${this.#name} signed ${call.id} ${call.rail} ${call.kind} ${call.settle} ${call.key.slice(-20)}`,
    )
  }

  /** Writes down that a voucher is signed. */
  sign(channelId: Hex, cumulative: bigint): void {
    if (cumulative > this.signed(channelId)) this.#signed.set(channelId, cumulative)
  }

  /** The highest voucher it signed for a channel. */
  signed(channelId: Hex): bigint {
    return this.#signed.get(channelId) ?? 0n
  }

  /** What it knows to have spent on a channel. */
  acknowledged(channelId: Hex): bigint {
    return this.#sum(channelId, isAcknowledged)
  }

  /** Spent for all it knows, and what may be: everything that is not known to be free of charge. */
  outstanding(channelId: Hex): bigint {
    return this.#sum(channelId, (call) => isAcknowledged(call) || isOpen(call))
  }

  #sum(channelId: Hex, counts: (call: Call) => boolean): bigint {
    return this.calls
      .filter((call) => call.channelId === channelId && counts(call))
      .reduce((sum, { price }) => sum + price, 0n)
  }
}

import type { Forwarder } from '../../gateway/upstream/Forwarder.ts'
import { fromStream } from '../../gateway/upstream/Source.ts'
import {
  UpstreamBrokenError,
  UpstreamTimeoutError,
  UpstreamUnreachableError,
} from '../../gateway/upstream/upstream-error.ts'
import type { Instance } from './Instance.ts'
import type { World } from './World.ts'

/** One time that the upstream did the work of a call. */
export type Run = { at: number; payment: string | null; status: number }

/** Body of an answer that is longer than what the gateway keeps. */
const pieces = 4

/** The service that is sold. It remembers each run of each call; every run has an answer that no other run has. */
export class Upstream {
  readonly #runs = new Map<string, Run[]>()
  /** Calls whose work was done before they were sent. */
  readonly #early = new Set<string>()
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  /** Every run of a call, by the name that its caller gave it. */
  runs(call: string): readonly Run[] {
    return this.#runs.get(call) ?? []
  }

  /** Does the work of a call. Returns how many times that makes. */
  run(call: string, payment: string | null, status: number): number {
    const runs = [...this.runs(call), { at: this.#world.scheduler.now(), payment, status }]
    this.#runs.set(call, runs)
    this.#world.journal.say(`upstream ran ${call} (${runs.length}) ${status}`)
    if (payment === null) this.#world.violate(`The upstream was called for ${call} without a payment.`)
    return runs.length
  }

  /** Does the work of a call now; what is sent of it next gets the answer to this. */
  runEarly(call: string, payment: string): void {
    this.run(call, payment, 200)
    this.#early.add(call)
  }

  /** The way of one gateway process to it. */
  forwarderFor(instance: Instance): Forwarder {
    const world = this.#world
    const random = world.random.fork(`upstream of ${instance.name}`)

    const forward = async (request: Forwarder.Request): Promise<Forwarder.Response> => {
      const rates = world.swarm.upstream
      const call = new URL(request.path, 'http://upstream.test').searchParams.get('call') ?? 'unnamed'
      const payment = request.set?.['x-farthing-call'] ?? null
      const ms = random.between(1, world.swarm.upstreamMs)
      const refuse = (after: number, error: Error) =>
        instance.at('upstream', after, (): Forwarder.Response => {
          world.faults.add(error instanceof UpstreamTimeoutError ? 'upstream timed out' : 'upstream refused')
          throw error
        })
      if (random.chance(rates.refused)) return refuse(ms, new UpstreamUnreachableError())
      if (random.chance(rates.slow)) {
        const acts = random.chance(0.5)
        world.scheduler.after(ms, () => {
          if (acts && instance.alive && !this.#early.delete(call)) this.run(call, payment, 200)
        })
        return refuse(request.deadlineMs, new UpstreamTimeoutError())
      }
      return instance.at('upstream', ms, () => {
        const status = random.chance(rates.error) ? random.pick([404, 500, 503]) : 200
        if (status !== 200) world.faults.add('upstream answered an error')
        const count = this.#early.delete(call) ? this.runs(call).length : this.run(call, payment, status)
        const text = `${call} run ${count} ${'.'.repeat(40)}`
        const kept = !random.chance(rates.stream)
        const breaksAt = random.chance(rates.broken) ? random.between(0, pieces - 1) : pieces
        return this.#answer(instance, { status, text, kept, breaksAt, ms: random.between(1, 2_000) })
      })
    }
    return { forward, close: async () => {}, destroy: async () => {} }
  }

  #answer(
    instance: Instance,
    made: { status: number; text: string; kept: boolean; breaksAt: number; ms: number },
  ): Forwarder.Response {
    const { status, text, kept, breaksAt, ms } = made
    const bytes = new TextEncoder().encode(text)
    const end = Promise.withResolvers<Forwarder.End>()
    let sent = 0
    let ended = false
    const size = Math.ceil(bytes.byteLength / pieces)
    const headers = ['content-type', 'text/plain']
    if (kept) headers.push('content-length', String(bytes.byteLength))
    const finish = (outcome: Forwarder.End['outcome']) => {
      ended = true
      end.resolve({ outcome, bytes: sent * size, error: undefined })
    }
    const body = new ReadableStream<Uint8Array>(
      {
        pull: (controller) =>
          instance.at('upstream', kept ? 1 : ms, () => {
            if (ended) return
            if (sent === breaksAt) {
              finish('broken')
              this.#world.faults.add('upstream broke off')
              controller.error(new UpstreamBrokenError())
              return
            }
            controller.enqueue(bytes.slice(sent * size, (sent + 1) * size))
            sent += 1
            if (sent < pieces) return
            finish('complete')
            controller.close()
          }),
        cancel: () => finish('cancelled'),
      },
      { highWaterMark: 0 },
    )
    return {
      status,
      headers,
      withheld: [],
      body: fromStream(body),
      done: end.promise,
      cancel: () => {
        if (!ended) finish('cancelled')
      },
    }
  }
}

import type { Clock } from '../clock.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import type { Payment } from '../ledger/Payment.ts'

/**
 * Charges whose caller was left without an answer while their money may have moved. A stock client cannot send a credential
 * again: its app calls again, and it signs anew. The same wallet that buys the very same call is then served by the payment
 * it has made. A call that was answered is in nobody's doubt, so it is bought again as often as one likes.
 *
 * Kept in memory: what the chain has not answered is told again by the resolver, also after a restart and by another
 * process on the same books.
 */
export type Doubts = {
  /** The caller of this payment was left without an answer. Telling it twice changes nothing. */
  add(payment: Doubts.Doubted): void
  /** The oldest payment in doubt of this wallet for this very call, as it is now; null when there is none. */
  find(call: Doubts.Call): Promise<Payment | null>
  /** The payment was taken up by a later credential, by its key: that one is answered by it from now on. */
  takenUp(paymentId: string, key: string): void
  /** Nothing is left of it to take up. */
  forget(paymentId: string): void
}

export declare namespace Doubts {
  type Doubted = Pick<Payment, 'id' | 'wallet' | 'fingerprint'>
  /** `key` is that of the later credential. */
  type Call = Pick<Payment, 'wallet' | 'fingerprint' | 'key'>
}

/** Most that are remembered; the oldest goes first. */
const most = 10_000

export function createDoubts(options: createDoubts.Options): Doubts {
  const { ledger, clock, keepMs } = options
  /** By payment id, oldest first. */
  const doubted = new Map<string, { name: string; since: number }>()
  /** Ids by wallet and call. */
  const byCall = new Map<string, Set<string>>()
  /** Credentials that were answered by an earlier payment: its id, by their key. */
  const answered = new Map<string, string>()

  function forget(id: string): void {
    const entry = doubted.get(id)
    if (entry === undefined) return
    doubted.delete(id)
    const ids = byCall.get(entry.name)
    ids?.delete(id)
    if (ids?.size === 0) byCall.delete(entry.name)
  }

  function forgetOld(): void {
    for (const [id, { since }] of doubted)
      if (doubted.size > most || since + keepMs < clock.now()) forget(id)
      else break
  }

  return {
    add({ id, wallet, fingerprint }) {
      if (doubted.has(id)) return
      const name = nameOf({ wallet, fingerprint })
      doubted.set(id, { name, since: clock.now() })
      byCall.set(name, (byCall.get(name) ?? new Set()).add(id))
      forgetOld()
    },
    async find({ wallet, fingerprint, key }) {
      if (doubted.size === 0 && answered.size === 0) return null
      forgetOld()
      const before = answered.get(key)
      if (before !== undefined) return ledger.payment({ id: before })
      for (const id of byCall.get(nameOf({ wallet, fingerprint })) ?? []) {
        const payment = await ledger.payment({ id })
        if (payment !== null) return payment
      }
      return null
    },
    takenUp(paymentId, key) {
      forget(paymentId)
      answered.set(key, paymentId)
      const [oldest] = answered.keys()
      if (answered.size > most && oldest !== undefined) answered.delete(oldest)
    },
    forget,
  }
}

export declare namespace createDoubts {
  type Options = {
    ledger: Pick<Ledger, 'payment'>
    clock: Clock
    /** How long a payment stays in doubt for its caller: as long as its answer is kept. */
    keepMs: number
  }
}

const nameOf = ({ wallet, fingerprint }: Pick<Payment, 'wallet' | 'fingerprint'>) =>
  `${wallet.toLowerCase()} ${fingerprint}`

import { PaymentStateError } from '../errors.ts'
import type { DeliveryState, MoneyState, Payment, Rail } from '../Payment.ts'

/** From where an operation goes on, and where asking again changes nothing. */
type Rule = { rails: Rail[]; from: State[]; done: State[] }
type State = `${DeliveryState}/${MoneyState}`

const unpaid: MoneyState[] = ['held', 'settling', 'unknown']
const held: Rail[] = ['channel', 'balance']
const all: Rail[] = ['charge', 'channel', 'balance']

/** Delivery × money: every pair of the two lists. */
const pairs = (deliveries: DeliveryState[], moneys: MoneyState[]): State[] =>
  deliveries.flatMap((delivery) => moneys.map((money): State => `${delivery}/${money}`))

const rules: Record<judgeOperation.Operation, Rule> = {
  capture: { rails: held, from: ['held/held'], done: [] },
  complete: {
    rails: all,
    // On the charge rail also before the money is there: order `after` releases first.
    from: [
      'delivering/captured',
      'delivering/settled',
      'delivering/reversed',
      ...pairs(['held', 'delivering'], unpaid),
    ],
    done: pairs(['delivered'], ['captured', 'settled', 'lost', 'reversed', ...unpaid]),
  },
  void: { rails: all, from: pairs(['held'], unpaid), done: ['void/void'] },
  refund: {
    rails: all,
    from: ['delivering/captured', 'delivering/settled', 'delivering/reversed'],
    done: ['failed/refunded', 'failed/credited', 'failed/reversed'],
  },
  settling: {
    rails: ['charge'],
    from: pairs(['held', 'delivering', 'delivered'], ['held', 'unknown']),
    done: pairs(['held', 'delivering', 'delivered'], ['settling']),
  },
  unknown: {
    rails: ['charge'],
    from: pairs(['held', 'delivering', 'delivered'], ['settling']),
    done: pairs(['held', 'delivering', 'delivered'], ['unknown']),
  },
  earn: {
    rails: ['charge'],
    from: ['delivered/lost', ...pairs(['held', 'delivering', 'delivered'], unpaid)],
    done: [],
  },
  credit: { rails: ['charge'], from: ['void/void', ...pairs(['held', 'delivering'], unpaid)], done: [] },
  lost: {
    rails: ['charge'],
    from: pairs(['held', 'delivering', 'delivered'], unpaid),
    done: ['delivered/lost'],
  },
}

/**
 * Decides whether an operation may go on (`go`), has been done before (`done`: nothing changes), or is refused.
 * @throws PaymentStateError
 */
export function judgeOperation(payment: Payment, operation: judgeOperation.Operation): 'go' | 'done' {
  const rule = rules[operation]
  const state: State = `${payment.delivery}/${payment.money}`
  const early = operation === 'complete' && payment.rail !== 'charge' && unpaid.includes(payment.money)
  if (rule.rails.includes(payment.rail) && !early) {
    if (rule.from.includes(state)) return 'go'
    if (rule.done.includes(state)) return 'done'
  }
  throw new PaymentStateError(operation, payment)
}

export declare namespace judgeOperation {
  /** `earn` and `credit` are the two ways in which `settled` books. */
  type Operation =
    | 'capture'
    | 'complete'
    | 'void'
    | 'refund'
    | 'settling'
    | 'unknown'
    | 'earn'
    | 'credit'
    | 'lost'
}

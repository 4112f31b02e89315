import { LedgerUnavailableError } from '../../gateway/ledger/errors.ts'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import type { Instance } from './Instance.ts'
import type { World } from './World.ts'

/** What only asks. Everything else writes. */
const reads =
  /^(payment|answer|openPayments|orphans|beat|credited|channels?|settleable|balances?|unsettled|openIntents|intentsFor|attempts|minedIntents|lastNonce|cursor|chainEntries|session|notes|audit|dueChannels|openChannels|channelsOf|orphans|open|list|find|withdrawal|anchors|debts)$/

/**
 * The real books behind a boundary: the process may die before an operation (nothing applied) or after its commit (the
 * caller never hears of it), and the disk may be full or the file locked (nothing applied, and the caller is told).
 */
export function faultyLedger(ledger: Ledger, world: World, instance: Instance): Ledger {
  const random = world.random.fork(`ledger of ${instance.name}`)

  function at(name: string, operation: Operation): Operation {
    const read = reads.test(name)
    const work = async (given: unknown[]) => {
      if (!read && random.chance(world.swarm.ledgerBusy)) {
        world.journal.say(`${instance.name} ledger is busy: ${name}`)
        world.faults.add('ledger refused')
        throw new LedgerUnavailableError('the disk is full.', null)
      }
      const result = await operation(...given)
      if (!read) await world.booked(instance, name, given, result)
      return result
    }
    const [boundary, group] = read ? (['ledger-read', null] as const) : (['ledger-write', 'ledger'] as const)
    return (...given) => instance.at(boundary, read ? 0 : random.between(0, 2), () => work(given), group)
  }

  /** Every operation of the books, and of the parts they have. */
  function behind<Part extends object>(part: Part): Part {
    const wrapped = Object.entries(part).map(([name, value]) => {
      if (typeof value === 'function') return [name, name === 'close' ? async () => {} : at(name, value)]
      return [name, typeof value === 'object' && value !== null ? behind(value) : value]
    })
    return Object.fromEntries(wrapped)
  }
  return behind(world.guards.ledger(ledger, world))
}

type Operation = (...given: unknown[]) => Promise<unknown>

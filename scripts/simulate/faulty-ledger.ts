import { LedgerUnavailableError } from '../../gateway/ledger/errors.ts'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import type { Instance } from './Instance.ts'
import type { World } from './World.ts'

const reads = new Set<keyof Ledger>([
  'payment',
  'answer',
  'openPayments',
  'channel',
  'channels',
  'settleable',
  'balance',
  'balances',
  'openIntents',
  'intentsFor',
  'cursor',
  'chainEntries',
  'session',
  'audit',
])

/**
 * The real books behind a boundary: the process may die before an operation (nothing applied) or after its commit (the
 * caller never hears of it), and the disk may be full or the file locked (nothing applied, and the caller is told).
 */
export function faultyLedger(ledger: Ledger, world: World, instance: Instance): Ledger {
  const random = world.random.fork(`ledger of ${instance.name}`)
  const guarded = world.guards.ledger(ledger, world)
  const at = (name: keyof Ledger) => {
    const read = reads.has(name)
    return (...given: unknown[]) =>
      instance.at(
        read ? 'ledger-read' : 'ledger-write',
        read ? 0 : random.between(0, 2),
        async () => {
          if (!read && random.chance(world.swarm.ledgerBusy)) {
            world.journal.say(`${instance.name} ledger is busy: ${name}`)
            throw new LedgerUnavailableError('the disk is full.', null)
          }
          const operation = guarded[name] as (...given: unknown[]) => Promise<unknown>
          const result = await operation(...given)
          if (!read) await world.booked(instance, name, given, result)
          return result
        },
        read ? null : 'ledger',
      )
  }
  return new Proxy(ledger, {
    get: (_target, name) => (name === 'close' ? async () => {} : at(name as keyof Ledger)),
  })
}

import type { Chain } from '../chain/Chain.ts'
import type { Report } from '../chain/Report.ts'
import type { Clock } from '../clock.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import { createChannelBook } from './channel-book.ts'
import { createChargeDesk } from './charge-desk.ts'

export type Settlement = ReturnType<typeof createSettlement>

export function createSettlement(options: {
  config: import('../config/Config.ts').Config
  ledger: Ledger
  chain: Chain
  clock: Clock
  report: Report
}) {
  const { ledger, chain, clock, report } = options
  const book = createChannelBook({ chain, ledger, clock, report })
  const charges = createChargeDesk({ chain, ledger, report })
  return {
    channels: {
      apply: book.apply,
      follow: book.follow,
      close: async () => ({ status: 'refused' as const, reason: 'pending' }),
    },
    charges,
    recover: async () => {},
    start() {},
    stop: async () => {},
  }
}

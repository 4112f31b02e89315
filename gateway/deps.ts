import type { Chain } from './chain/Chain.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config/Config.ts'
import type { Keys } from './keys.ts'
import type { Ledger } from './ledger/Ledger.ts'
import type { ChannelBook } from './rails/channel/ChannelBook.ts'
import type { Exposure } from './rails/channel/Exposure.ts'
import type { ChargeDesk } from './rails/charge/ChargeDesk.ts'
import type { OurChallenges } from './request/our-challenges.ts'
import type { ReceiptSigner } from './request/receipt-signer.ts'
import type { Waiting } from './request/wait.ts'
import type { Route } from './routes/Route.ts'
import type { RouteTable } from './routes/RouteTable.ts'
import type { Abandoned } from './settlement/abandoned.ts'
import type { AuditSchedule } from './settlement/audit-schedule.ts'
import type { Membership } from './settlement/Membership.ts'
import type { SingleFlight } from './single-flight.ts'
import type { Log } from './telemetry/log.ts'
import type { Forwarder } from './upstream/Forwarder.ts'
import type { Sessions } from './wallet/Sessions.ts'

/** What every step of a request receives. Made once, by hand, in `gateway.ts`; nothing else is global. */
export type Deps = {
  config: Config
  ledger: Ledger
  chain: Chain
  clock: Clock
  log: Log
  keys: Keys
  receipts: ReceiptSigner
  /** Challenges that come back. */
  challenges: OurChallenges
  sessions: Sessions
  routes: RouteTable<Route>
  forwarder: Forwarder
  /** Channels as the chain has them, booked. */
  channels: ChannelBook
  singleFlight: SingleFlight
  /** What the audits that run by themselves have found. */
  audits: Pick<AuditSchedule, 'state'>
  /** This process among the gateways on its ledger. */
  membership: Pick<Membership, 'id' | 'leads' | 'isLost'>
  /** How much may be unsettled. */
  exposure: Exposure
  /** Settles single transfers. */
  charges: ChargeDesk
  /** Told of payments whose request could not write how it ended. */
  abandoned: Pick<Abandoned, 'add'>
  /** Pays withdrawals out: told that there is one. */
  payouts: { wake(): void }
  /** Callers that wait for a call that another request runs. */
  waiting: Waiting
}

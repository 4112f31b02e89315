import type { ConfigInput } from '../../gateway/config/define-config.ts'
import * as Asset from '../../gateway/ledger/Asset.ts'
import { auditGateway } from '../../scripts/audit/audit-gateway.ts'
import { type LocalChain, startChain } from './chain.ts'
import { startGateway, type TestGateway } from './gateway.ts'
import { type RecordingUpstream, recordingUpstream } from './recording-upstream.ts'
import { wallet } from './wallet.ts'

type RouteInput = ConfigInput['routes'][number]

/** A chain, an upstream that writes everything down, and a gateway that sells it. */
export type Sold = {
  chain: LocalChain
  upstream: RecordingUpstream
  gateway: TestGateway
  url(path: string): string
  /** A wallet of its own for each call of this: nobody else uses it. */
  payer(funds?: bigint): Promise<wallet.Wallet>
  /** What the payee holds, base units. */
  received(): Promise<bigint>
  /** Books and chain agree in everything. */
  audit(): Promise<string>
  close(): Promise<void>
}

/** Starts it; an `upstream` of `''` stands for the recording one. */
export async function sell(
  routes: (Omit<RouteInput, 'upstream'> & { upstream?: string })[],
  options: { override?: Partial<ConfigInput>; chain?: LocalChain } = {},
): Promise<Sold> {
  const chain = options.chain ?? (await startChain({ accounts: 100 }))
  const upstream = await recordingUpstream()
  const gateway = await startGateway({
    chain,
    routes: routes.map((route) => ({ upstream: upstream.url, ...route })) as ConfigInput['routes'],
    ...(options.override === undefined ? {} : { override: options.override }),
  })
  let next = 2
  return {
    chain,
    upstream,
    gateway,
    url: (path) => gateway.url + path,
    async payer(funds = 100_000_000n) {
      const account = chain.accounts[next]
      next += 1
      if (account === undefined) throw new Error('The chain has no account left.')
      if (funds > 0n) await chain.mint(account.address, funds)
      return wallet(account, chain)
    },
    async received() {
      const asset = Asset.of(chain.chainId, chain.token)
      const { posted } = await gateway.deps.ledger.balance('treasury', asset)
      return -posted
    },
    async audit() {
      const { ok, text } = await auditGateway(gateway)
      return ok ? 'All holds.' : text
    },
    async close() {
      await gateway.end()
      await upstream.close()
      if (options.chain === undefined) await chain.close()
    },
  }
}

import { privateKeyToAccount } from 'viem/accounts'
import { reconcile } from '../../gateway/settlement/reconcile.ts'
import { createReorgGuard } from '../../gateway/settlement/reorg-guard.ts'
import { createWithdrawDesk } from '../../gateway/settlement/withdraw-desk.ts'
import { createStage } from '../settlement/stage.ts'
import type { LocalChain } from '../support/chain.ts'

export type Taken = Awaited<ReturnType<typeof takenBack>>

/** A gateway's settlement with its guard, on a chain whose newest blocks can be taken back. */
export async function takenBack(local: LocalChain, options: createStage.Options = {}) {
  const stage = await createStage(local, { ...options, horizon: 200 })
  const report = (level: string, event: string, details: Record<string, unknown>) =>
    void stage.reports.push({ level, event, details })
  const guard = createReorgGuard({
    ...stage,
    report,
    fromBlock: 0n,
    horizon: 200,
    settleFirst: () => {},
    close: stage.settler.close,
  })
  const desk = createWithdrawDesk({ ...stage, report, quietMs: 0 })
  return {
    ...stage,
    guard,
    withdrawDesk: desk,
    reported: (event: string) => stage.reports.filter((one) => one.event === event).map((one) => one.details),
    /** What happens in `during` is taken back; `instead` comes in its place, in more blocks. */
    async reorganise<T>(during: () => Promise<T>, instead: () => Promise<unknown> = async () => {}) {
      const id = await local.testClient.snapshot()
      const result = await during()
      await local.testClient.revert({ id })
      await instead()
      await local.mine(8)
      return result
    },
    /** Somebody else's transaction takes the next nonce of the payee's key. */
    async takeNonce() {
      const account = privateKeyToAccount(stage.key)
      const hash = await local.walletClient(account).sendTransaction({ to: account.address })
      await local.publicClient.waitForTransactionReceipt({ hash })
    },
    /** What the guard, the watcher and the settler come to when they look a few times. */
    async rest() {
      for (let round = 0; round < 3; round += 1) {
        await guard.tick()
        await stage.watcher.poll()
        await stage.settler.tick()
        await local.mine(1)
      }
    },
    differences: async () =>
      (
        await reconcile({
          ledger: stage.ledger,
          chain: stage.chain,
          tokens: [local.token],
          fromBlock: stage.fromBlock,
        })
      ).differences.map(({ text }) => text),
    laws: async () => (await stage.ledger.audit()).laws.flatMap(({ violations }) => violations),
  }
}

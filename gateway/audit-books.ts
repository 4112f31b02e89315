import { setTimeout as sleep } from 'node:timers/promises'
import type { Address } from 'viem'
import { createReads } from './chain/reads.ts'
import { createRpc } from './chain/rpc.ts'
import { systemClock } from './clock.ts'
import type { Ledger } from './ledger/Ledger.ts'
import { openSqliteLedger } from './ledger/sqlite/open-sqlite-ledger.ts'
import type { Trail } from './ledger/Trail.ts'
import { confirmed, type Findings } from './settlement/drift.ts'
import { reconcile } from './settlement/reconcile.ts'

/** What an audit found in the books, and between the books and the chain. */
export type BooksAudit = { ledger: Ledger.Audit; reconciliation: reconcile.Result }

/**
 * Audits a ledger file beside whoever writes to it: the laws and the trail on one snapshot, then every transfer and every
 * channel against the chain. Opens the file only to read, has no key, and writes nothing. While a gateway works, a
 * difference counts once it was found in every look.
 */
export async function auditBooks(options: auditBooks.Options): Promise<BooksAudit> {
  const { chainId, escrow, payee, confirmations, tokens, anchor } = options
  const { looks = 1, againMs = 0 } = options
  const books = await openSqliteLedger({ path: options.path, readonly: true, busyTimeout: 30_000 })
  try {
    const ledger = await books.audit(anchor === undefined ? {} : { anchor })
    const rpc = createRpc({
      chainId,
      endpoints: [options.rpcUrl].flat(),
      timeoutMs: 30_000,
      pollingMs: 1_000,
      clock: systemClock,
    })
    const reads = createReads({ client: rpc.read, escrow, payee })
    const chain = { ...reads, id: chainId, escrow, payee, confirmations }
    const ask = () => reconcile({ ledger: books, chain, tokens, fromBlock: BigInt(options.fromBlock) })
    let reconciliation = await ask()
    for (let look = 1; look < looks && reconciliation.differences.length > 0; look += 1) {
      await sleep(againMs)
      const again = await ask()
      const differences = confirmed(reconciliation.differences, again.differences)
      reconciliation = { ...again, differences }
    }
    return { ledger, reconciliation }
  } finally {
    await books.close()
  }
}

export declare namespace auditBooks {
  type Options = {
    path: string
    chainId: number
    rpcUrl: string | readonly string[]
    escrow: Address
    payee: Address
    confirmations: number
    tokens: readonly Address[]
    fromBlock: number
    /** A place in the trail that an earlier audit printed. */
    anchor?: Trail.Anchor | undefined
    /** How often the chain is compared before a difference counts. Default 1: nobody is writing. */
    looks?: number
    /** Time between looks. */
    againMs?: number
  }
}

/** What an audit found, as the schedule judges it. */
export function findingsOf({ ledger, reconciliation }: BooksAudit): Findings & { head: string | null } {
  const { laws, trail } = ledger
  return {
    violations: [...laws.flatMap(({ violations }) => violations), ...trail.violations],
    differences: reconciliation.differences,
    head: trail.head === null ? null : `${trail.head.seq}:${trail.head.hash}`,
  }
}

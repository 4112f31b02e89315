import { type Address, type Hex, hashMessage, hashTypedData, type LocalAccount } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import type { Clock } from '../clock.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import * as Authorization from '../protocol/Authorization.ts'
import * as WithdrawalRequest from '../protocol/WithdrawalRequest.ts'
import { assertReady } from './assert-ready.ts'
import type { Chain } from './Chain.ts'
import { asking } from './ChainUnavailableError.ts'
import { createContractSignatures } from './contract-signatures.ts'
import { type Report, silent } from './Report.ts'
import { createReads } from './reads.ts'
import { createRpc, type Endpoint } from './rpc.ts'
import { Sender } from './Sender.ts'
import { signedBy } from './Signatures.ts'
import { voucherDigest } from './voucher-digest.ts'

/**
 * Makes the chain of one escrow, over JSON-RPC. Asks nothing of the node by itself: call `assertReady` and then
 * `recover` before relying on it, and `close` when stopping.
 */
export function createChain(options: createChain.Options): Chain {
  const { chainId, clock, ledger, confirmations = 1, pollingMs = 1_000 } = options
  const { timeoutMs = 60_000, rpcTimeoutMs = 10_000, report = silent } = options
  const account = typeof options.relayer === 'string' ? privateKeyToAccount(options.relayer) : options.relayer
  const escrow = options.escrow.toLowerCase() as Address
  const payee = account.address.toLowerCase() as Address
  const endpoints = [options.rpcUrl].flat()
  const rpc = createRpc({ chainId, endpoints, timeoutMs: rpcTimeoutMs, pollingMs })
  const sender = new Sender({
    chainId,
    rpc,
    account,
    ledger,
    clock,
    report,
    confirmations,
    pollingMs,
    timeoutMs,
  })
  const contracts = createContractSignatures(rpc.read, clock)
  const digestOf = voucherDigest({ chainId, escrow })

  return {
    id: chainId,
    escrow,
    payee,
    confirmations,
    ...createReads({ client: rpc.read, escrow, payee }),

    assertReady: () => assertReady({ client: rpc.read, chainId, escrow, payee, report }),
    recover: () => sender.recover(),
    submit: (order) => sender.submit(order),
    follow: (intent) => sender.follow(intent),
    close: () => sender.close(),

    async verifyVoucher(voucher, signature, signer) {
      const digest = digestOf(voucher)
      return signedBy(signer, digest, signature) || contracts.confirm(signer, digest, signature)
    },
    async verifyAuthorization(kind, domain, message, signature) {
      const typed = Authorization.typedData(kind, domain, message)
      const digest = hashTypedData(typed as Parameters<typeof hashTypedData>[0])
      return signedBy(message.from, digest, signature) || contracts.confirm(message.from, digest, signature)
    },
    async verifyWithdrawal(request, signature) {
      const digest = WithdrawalRequest.digest({ chainId, escrow }, request)
      return signedBy(request.wallet, digest, signature) || contracts.confirm(request.wallet, digest, signature)
    },
    async verifyMessage(address, message, signature) {
      if (signedBy(address, hashMessage(message), signature)) return true
      return asking('eth_call', () => rpc.read.verifyMessage({ address, message, signature }))
    },
  }
}

export declare namespace createChain {
  type Options = {
    chainId: number
    /** One node, or several to fall back on. */
    rpcUrl: Endpoint | readonly Endpoint[]
    escrow: Address
    /** The payee's key: it is paid, settles, and relays. */
    relayer: Hex | LocalAccount
    ledger: Pick<Ledger, 'intend' | 'updateIntent' | 'openIntents'>
    clock: Clock
    /** Blocks that make a transaction count, its own included. Default 1. */
    confirmations?: number
    /** How often a transaction is asked after. Default 1,000. */
    pollingMs?: number
    /** How long `submit` waits for its transaction. Default 60,000. */
    timeoutMs?: number
    /** How long one question to a node may take. Default 10,000. */
    rpcTimeoutMs?: number
    report?: Report
  }
}

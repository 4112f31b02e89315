import {
  type Address,
  type Hex,
  hashMessage,
  type LocalAccount,
  type PublicClient,
  toBytes,
  toHex,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import type { Clock } from '../clock.ts'
import { authorizationDigest } from '../protocol/authorization-digest.ts'
import type { Voucher } from '../protocol/Voucher.ts'
import { voucherDigest } from '../protocol/voucher-digest.ts'
import * as WithdrawalRequest from '../protocol/WithdrawalRequest.ts'
import { createAgreement } from './Agreement.ts'
import { agreedReads } from './agreed-reads.ts'
import { assertReady } from './assert-ready.ts'
import { broadcast } from './broadcast.ts'
import type { Chain } from './Chain.ts'
import { asking } from './ChainUnavailableError.ts'
import { createContractSignatures } from './contract-signatures.ts'
import { type Depths, deepest, depthFor } from './depth.ts'
import { createEvidence } from './evidence.ts'
import { createFollower } from './Follower.ts'
import { capOf, estimateFees } from './fees.ts'
import { Relayers } from './Relayers.ts'
import { type Report, silent } from './Report.ts'
import { createReads } from './reads.ts'
import { createRpc, type Endpoint } from './rpc.ts'
import { Sender } from './Sender.ts'
import { chooseCurve } from './signatures/choose-curve.ts'
import { inARow } from './signatures/in-a-row.ts'
import { keccak256 } from './signatures/keccak.ts'
import { createSignatures } from './signatures/Signatures.ts'
import { verifiedVouchers } from './signatures/verified-vouchers.ts'

/**
 * Makes the chain of one escrow, over JSON-RPC. Asks nothing of the node by itself: call `assertReady` and then
 * `recover` before relying on it, and `close` when stopping.
 */
export function createChain(options: createChain.Options): Chain {
  const { chainId, clock, ledger, pollingMs = 1_000 } = options
  const depths = typeof options.confirmations === 'object' ? options.confirmations : null
  const confirmations = depths === null ? flat(options.confirmations) : deepest(depths)
  const { timeoutMs = 60_000, rpcTimeoutMs = 10_000, report = silent } = options
  const account = accountOf(options.relayer)
  const escrow = options.escrow.toLowerCase() as Address
  const payee = account.address.toLowerCase() as Address
  const endpoints = [options.rpcUrl].flat()
  const rpc = createRpc({ chainId, endpoints, timeoutMs: rpcTimeoutMs, pollingMs, clock, report })
  const above = options.agreementAbove ?? new Map<Address, bigint>()
  const readsOf = (client: PublicClient) => createReads({ client, escrow, payee })
  const reads = readsOf(rpc.read)
  const agreement = createAgreement({ nodes: rpc.nodes, above, report })
  const agreed = agreedReads({
    agreement,
    reads,
    readsOf,
    nodes: rpc.nodes,
    tokens: [...above.keys()],
    escrow,
    payee,
  })
  const readMined = agreed.receipt
  const evidence = createEvidence({ agreement, reads, readsOf, head: agreed.head })
  const follower = createFollower({
    rpc,
    ledger,
    clock,
    confirmations,
    pollingMs,
    readMined,
    evidence: evidence.always,
  })
  const { maxMultiple = 5, replaceAfterSeconds = 120 } = options.fees ?? {}
  const fees = { maxMultiple, replaceAfterMs: replaceAfterSeconds * 1_000 }
  const shared = { chainId, rpc, follower, ledger, clock, report, timeoutMs, fees }
  const payeeSender = new Sender({ ...shared, account })
  const relayers = new Relayers({
    chainId,
    payee: payeeSender,
    others: (options.relayers ?? []).map((key) => new Sender({ ...shared, account: accountOf(key) })),
    follower,
    ledger,
    report,
    hasGas: ({ address }) =>
      asking('eth_getBalance', async () => {
        const [balance, price] = await Promise.all([rpc.read.getBalance({ address }), estimateFees(rpc.read)])
        return balance >= leastGas * capOf(price)
      }),
  })
  let lookedAt = Number.NEGATIVE_INFINITY
  const contracts = createContractSignatures(rpc.read, clock)
  const curve = chooseCurve()
  const { signedBy } = createSignatures(curve, keccak256)
  const voucherHash = voucherDigest({ chainId, escrow }, keccak256)
  const verified = verifiedVouchers(mostVerified)
  /** What a contract wallet may have signed, where no account did. */
  const digestUnlessSigned = inARow(({ voucher, signature, signer }: SignedVoucher): Uint8Array | null => {
    // It may have come twice in this turn.
    if (verified.has(voucher, signature, signer)) return null
    const digest = voucherHash(voucher)
    if (!signedBy(signer, digest, signature)) return digest
    verified.add(voucher, signature, signer)
    return null
  })
  const authorizationHash = authorizationDigest()

  async function look(): Promise<void> {
    if (clock.now() - lookedAt < lookMs) return
    lookedAt = clock.now()
    await rpc.check()
    await relayers.checkGas()
  }

  /** True when an account signed the digest, or a contract wallet says that it did. */
  const signed = async (signer: Address, digest: Uint8Array, signature: Hex) =>
    signedBy(signer, digest, signature) || contracts.confirm(signer, toHex(digest), signature)

  return {
    id: chainId,
    escrow,
    payee,
    confirmations,
    depth: (token, amount) => (depths === null ? confirmations : depthFor(depths, token, amount)),
    isContract: contracts.hasCode,
    ...reads,
    ...agreed,
    evidence: evidence.about,

    async assertReady() {
      report('info', 'signature-checks', { curve: curve.name, reason: curve.reason })
      await assertReady({ rpc, chainId, escrow })
      await relayers.checkGas()
    },
    recover: () => relayers.recover(),
    async tend() {
      await look()
      await relayers.tend()
    },
    look,
    simulate: (order) => payeeSender.simulate(order),
    submit: (order) => relayers.submit(order),
    broadcast: async (raw) => (await broadcast(rpc, raw)).result,
    follow: (intent) => follower.follow(intent),
    close: () => follower.close(),

    async verifyVoucher(voucher, signature, signer) {
      if (verified.has(voucher, signature, signer)) return true
      const digest = await digestUnlessSigned({ voucher, signature, signer })
      return digest === null || contracts.confirm(signer, toHex(digest), signature)
    },
    verifyAuthorization: async (kind, domain, message, signature) =>
      signed(message.from, authorizationHash(kind, domain, message), signature),
    verifyWithdrawal: async (request, signature) =>
      signed(request.wallet, toBytes(WithdrawalRequest.digest({ chainId, escrow }, request)), signature),
    async verifyMessage(address, message, signature) {
      if (signedBy(address, toBytes(hashMessage(message)), signature)) return true
      return asking('eth_call', () => rpc.read.verifyMessage({ address, message, signature }))
    },
  }
}

type SignedVoucher = { voucher: Voucher; signature: Hex; signer: Address }

/** Gas that a key must be able to pay for: below it, it counts as empty. */
const leastGas = 100_000n
/** Vouchers whose verified signature is remembered: some 4 MB. */
const mostVerified = 8_192
/** Time between looks at the nodes and at what the keys have left. */
const lookMs = 30_000

const accountOf = (key: Hex | LocalAccount) => (typeof key === 'string' ? privateKeyToAccount(key) : key)
const flat = (confirmations: unknown) => (typeof confirmations === 'number' ? confirmations : 1)

export declare namespace createChain {
  type Options = {
    chainId: number
    /** One node, or several to fall back on. */
    rpcUrl: Endpoint | readonly Endpoint[]
    escrow: Address
    /** The payee's key: it is paid, settles, and relays when no other key does. */
    relayer: Hex | LocalAccount
    /** Keys that relay what payers signed, in place of the payee's. Used by nobody but gateways on the same ledger. */
    relayers?: readonly (Hex | LocalAccount)[]
    ledger: Sender.Books
    /**
     * When a transaction is signed again for a higher fee, 120 s by default, and how many times its first fee it may offer
     * at most, 5 by default.
     */
    fees?: { maxMultiple?: number; replaceAfterSeconds?: number }
    /** Base units by token: larger credits need two nodes that show the same. None by default. */
    agreementAbove?: ReadonlyMap<Address, bigint>
    clock: Clock
    /** Blocks that make a transaction count, its own included; or by token and amount. Default 1. */
    confirmations?: number | Depths
    /** How often a transaction is asked after. Default 1,000. */
    pollingMs?: number
    /** How long `submit` waits for its transaction. Default 60,000. */
    timeoutMs?: number
    /** How long one question to a node may take. Default 10,000. */
    rpcTimeoutMs?: number
    report?: Report
  }
}

import type { Address, Hex, Log } from 'viem'
import type { Ledger } from '../ledger/Ledger.ts'
import type * as Authorization from '../protocol/Authorization.ts'
import type * as Voucher from '../protocol/Voucher.ts'

/**
 * The chain as the gateway sees it: reads, signature checks, and one way to send. Every method may fail with
 * {@link ChainUnavailableError}: the node did not answer, which says nothing about what is true.
 */
export interface Chain {
  readonly id: number
  readonly escrow: Address
  /** The account that is paid, that settles, and that relays what payers signed. */
  readonly payee: Address

  /** True when `signer` signed this voucher: an account by recovery (low-s only), a contract by ERC-1271. */
  verifyVoucher(voucher: Voucher.Voucher, signature: Hex, signer: Address): Promise<boolean>
  /** True when `message.from` signed this EIP-3009 transfer. */
  verifyAuthorization(
    kind: 'transfer' | 'receive',
    domain: Authorization.TokenDomain,
    message: Authorization.Authorization,
    signature: Hex,
  ): Promise<boolean>
  /** True when `address` signed this text (EIP-191, ERC-1271, ERC-6492). */
  verifyMessage(address: Address, message: string, signature: Hex): Promise<boolean>

  /** A channel as the escrow has it now; null when it does not exist. */
  channel(id: Hex): Promise<Chain.EscrowChannel | null>
  /** Base units. */
  balanceOf(token: Address, owner: Address): Promise<bigint>
  /** Holding for a token gate: ERC-20 and ERC-721 count, ERC-1155 by id. */
  holding(
    gate: { standard: 'erc20' | 'erc721' | 'erc1155'; token: Address; id?: bigint },
    owner: Address,
  ): Promise<bigint>
  /** True when this EIP-3009 nonce was used or cancelled. */
  authorizationUsed(token: Address, from: Address, nonce: Hex): Promise<boolean>
  /** The mined receipt of a transaction with its depth, or null. */
  receipt(hash: Hex): Promise<Chain.Mined | null>

  /**
   * Sends a transaction from the payee's key. One at a time: the next nonce is taken, the transaction is signed, its
   * intent is recorded durably, and only then is it broadcast. Resolves when mined at the configured depth or when
   * `timeoutMs` is over. `rejected` means that it failed in simulation and nothing was sent.
   */
  submit(order: Chain.Order): Promise<Chain.Outcome>
}

export declare namespace Chain {
  type EscrowChannel = {
    payer: Address
    payee: Address
    token: Address
    /** Who signs vouchers, with the zero address already replaced by the payer. */
    signer: Address
    deposit: bigint
    settled: bigint
    /** Unix seconds; 0 when no close was requested. */
    closeRequestedAt: bigint
    finalized: boolean
  }

  type Mined = { hash: Hex; block: bigint; depth: number; status: 'succeeded' | 'reverted'; logs: Log[] }

  type Order = {
    kind: Ledger.IntentKind
    /** Payment id or channel ids it is for. */
    subjects: string[]
    to: Address
    data: Hex
    timeoutMs?: number
  }

  type Outcome =
    | { status: 'succeeded'; mined: Mined }
    | { status: 'reverted'; mined: Mined; reason: string }
    | { status: 'rejected'; reason: string }
    | { status: 'unknown'; hash: Hex; reason: string }
}

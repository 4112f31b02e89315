import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Address, type Hex, maxUint256, type PrivateKeyAccount, toHex, zeroAddress } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import type { Chain } from '../../gateway/chain/Chain.ts'
import * as ChargeOrder from '../../gateway/chain/ChargeOrder.ts'
import { createChain } from '../../gateway/chain/create-chain.ts'
import * as Account from '../../gateway/ledger/Account.ts'
import * as Asset from '../../gateway/ledger/Asset.ts'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import type { Payment } from '../../gateway/ledger/Payment.ts'
import { openSqliteLedger } from '../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import * as Authorization from '../../gateway/protocol/Authorization.ts'
import { escrowAbi, tokenAbi } from '../../gateway/protocol/abi.ts'
import * as Voucher from '../../gateway/protocol/Voucher.ts'
import { createChannelBook } from '../../gateway/settlement/channel-book.ts'
import { createChargeDesk } from '../../gateway/settlement/charge-desk.ts'
import { createResolver } from '../../gateway/settlement/Resolver.ts'
import { createSettler } from '../../gateway/settlement/Settler.ts'
import { createWatcher } from '../../gateway/settlement/Watcher.ts'
import type { LocalChain } from '../support/chain.ts'

export type Stage = Awaited<ReturnType<typeof createStage>>

/**
 * A gateway's settlement without its request path: a payee of its own on the given chain, a ledger in a file, and
 * helpers that act as payers do.
 */
export async function createStage(local: LocalChain, options: createStage.Options = {}) {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'farthing-')))
  const key = options.key ?? generatePrivateKey()
  const token = options.token ?? local.token
  const time = { now: Date.now() }
  const clock = { now: () => time.now }
  const reports: { level: string; event: string; details: Record<string, unknown> }[] = []
  const report = (level: string, event: string, details: Record<string, unknown>) =>
    void reports.push({ level, event, details })
  const ledger = await openSqliteLedger({ path: join(folder, 'ledger.sqlite'), clock })
  const chain: Chain = createChain({
    chainId: local.chainId,
    rpcUrl: options.rpcUrl ?? local.rpcUrl,
    escrow: local.escrow,
    relayer: key,
    ledger,
    clock,
    report,
    confirmations: options.confirmations ?? 1,
    pollingMs: 20,
    timeoutMs: options.timeoutMs ?? 10_000,
    rpcTimeoutMs: 5_000,
    ...options.chain,
  })
  if (options.key === undefined)
    await local.testClient.setBalance({ address: chain.payee, value: 10n ** 20n })
  const fromBlock = await local.publicClient.getBlockNumber()
  const book = createChannelBook({ chain, ledger, clock, report })
  const desk = createChargeDesk({ chain, ledger, report, fromBlock: 0n })
  const schedule = { thresholds: new Map<Address, bigint>(), maxAgeMs: 0, ...options.schedule }
  const settler = createSettler({
    ledger,
    chain,
    clock,
    schedule,
    book,
    report,
    maxBatch: options.maxBatch ?? 10,
  })
  const closeRequests: Hex[] = []
  const watcher = createWatcher({
    ledger,
    chain,
    book,
    report,
    fromBlock: options.fromBlock ?? fromBlock,
    tokens: [token],
    maxRange: 7n,
    ...(options.horizon === undefined ? {} : { horizon: options.horizon }),
    onCloseRequested: (ids) => void closeRequests.push(...ids),
  })
  const resolver = createResolver({ ledger, chain, clock, book, desk, report, quietMs: 0 })

  /** A funded account that has approved the escrow. */
  async function payer(tokens = 10_000_000n): Promise<PrivateKeyAccount> {
    const account = privateKeyToAccount(generatePrivateKey())
    await local.testClient.setBalance({ address: account.address, value: 10n ** 20n })
    await local.mint(account.address, tokens, token)
    await write(account, {
      address: token,
      abi: tokenAbi,
      functionName: 'approve',
      args: [local.escrow, maxUint256],
    })
    return account
  }

  async function write(account: PrivateKeyAccount, call: createStage.Call): Promise<Hex> {
    const hash = await local.walletClient(account).writeContract(call as never)
    if (options.automine !== false) await local.publicClient.waitForTransactionReceipt({ hash })
    return hash
  }

  const escrow = (account: PrivateKeyAccount, functionName: string, args: readonly unknown[]) =>
    write(account, { address: local.escrow, abi: escrowAbi, functionName, args })

  async function open(account: PrivateKeyAccount, deposit = 100_000n, signer: Address = zeroAddress) {
    const salt = toHex(randomBytes(32))
    const terms = { payee: chain.payee, token: token, salt, authorizedSigner: signer }
    const id = Voucher.channelId({
      ...terms,
      payer: account.address,
      escrow: local.escrow,
      chainId: chain.id,
    })
    const hash = await escrow(account, 'open', [chain.payee, token, deposit, salt, signer])
    return { id, hash }
  }

  const sign = (account: PrivateKeyAccount, channelId: Hex, cumulativeAmount: bigint) =>
    account.signTypedData(
      Voucher.typedData({ chainId: chain.id, escrow: local.escrow }, { channelId, cumulativeAmount }),
    )

  let calls = 0
  /** One call on a channel, served and captured: spends `amount` under a voucher of `cumulative`. */
  async function spend(
    account: PrivateKeyAccount,
    channelId: Hex,
    cumulative: bigint,
    amount: bigint,
    badSignature?: Hex,
  ) {
    calls += 1
    const signature = badSignature ?? (await sign(account, channelId, cumulative))
    const claimed = await ledger.claim({
      ...claimBase(account.address, amount),
      from: { rail: 'channel', channelId, cumulative, signature, minDelta: 0n, reusable: false },
    })
    if (claimed.outcome !== 'fresh') throw new Error(`claim: ${claimed.outcome}`)
    return ledger.capture({ paymentId: claimed.payment.id, amount, complete: true })
  }

  function claimBase(wallet: Address, amount: bigint, key?: string) {
    calls += 1
    return {
      id: `pay_${chain.payee.slice(2, 8)}${calls}`,
      key: key ?? `key:${calls}`,
      fingerprint: `call ${calls}`,
      dialect: 'mpp' as const,
      wallet,
      route: 'weather',
      asset: Asset.of(chain.id, token),
      amount,
      earns: Account.revenue('weather'),
      now: time.now,
    }
  }

  /** A claimed charge: an authorization of `account` to the payee, signed and in the books. */
  async function charge(
    account: PrivateKeyAccount,
    value: bigint,
    over: Partial<Authorization.Authorization> = {},
  ): Promise<{ payment: Payment; order: ChargeOrder.ChargeOrder }> {
    const message = {
      from: account.address,
      to: chain.payee,
      value,
      validAfter: 0n,
      validBefore: BigInt(await local.time()) + 3_600n,
      nonce: toHex(randomBytes(32)),
      ...over,
    }
    const domain = { ...(options.domain ?? { name: 'Test USD', version: '2' }), chainId: chain.id, token }
    const signature = await account.signTypedData(
      Authorization.typedData('transfer', domain, message) as never,
    )
    const order = { kind: 'transferWithAuthorization', token: token, message, signature } as const
    const claimed = await ledger.claim({
      ...claimBase(
        account.address,
        value,
        ChargeOrder.keyOf(chain.id, token, account.address, message.nonce),
      ),
      from: { rail: 'charge', settlement: ChargeOrder.serialize(order) },
    })
    if (claimed.outcome !== 'fresh') throw new Error(`claim: ${claimed.outcome}`)
    return { payment: claimed.payment, order }
  }

  return {
    folder,
    key,
    time,
    clock,
    reports,
    ledger,
    chain,
    book,
    desk,
    settler,
    watcher,
    resolver,
    token,
    closeRequests,
    fromBlock,
    payer,
    write,
    escrow,
    open,
    sign,
    spend,
    charge,
    /** Base units of the 6-decimals token. */
    held: () => chain.balanceOf(token, chain.payee),
    balance: (account: Account.Account) => ledger.balance(account, Asset.of(chain.id, token)),
    /** Ends the process, so to say; the folder stays for the next one unless `remove`. */
    async close(remove = true) {
      chain.close()
      await ledger.close()
      if (remove) await rm(folder, { recursive: true, force: true })
    },
  }
}

export declare namespace createStage {
  type Call = { address: Address; abi: unknown; functionName: string; args: readonly unknown[] }
  type Options = {
    confirmations?: number
    /** How many blocks the watcher takes a reorganisation to take back. */
    horizon?: number
    timeoutMs?: number
    rpcUrl?: string | readonly string[]
    /** What is paid in; the local chain's first token when left out. */
    token?: Address
    /** The token's EIP-712 domain. */
    domain?: { name: string; version: string }
    /** Passed on to the chain. */
    chain?: Partial<Parameters<typeof createChain>[0]>
    maxBatch?: number
    /** Take up another stage's key, folder and block. */
    key?: Hex
    folder?: string
    fromBlock?: bigint
    automine?: boolean
    schedule?: { thresholds?: ReadonlyMap<Address, bigint>; maxAgeMs?: number }
  }
}

/** What must be there. */
export function must<Value>(value: Value | null | undefined): Value {
  if (value === null || value === undefined) throw new Error('It is not there.')
  return value
}

export type { Ledger }

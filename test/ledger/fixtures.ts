import type { Address, Hex } from 'viem'
import * as Account from '../../gateway/ledger/Account.ts'
import * as Asset from '../../gateway/ledger/Asset.ts'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'

export const chainId = 31337
export const token: Address = '0x5fbdb2315678afecb367f032d93f642f64180aa3'
export const asset = Asset.of(chainId, token)
export const alice: Address = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8'
export const bob: Address = '0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc'
export const payee: Address = '0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266'
export const channelId: Hex = `0x${'c1'.repeat(32)}`
export const signature: Hex = `0x${'5a'.repeat(65)}`
export const revenue = Account.revenue('weather')

/** A clock that stands still until it is told. */
export function testClock(start = 1_700_000_000_000): { now(): number; advance(ms: number): void } {
  let time = start
  return {
    now: () => time,
    advance: (ms) => {
      time += ms
    },
  }
}

let logs = 0
/** A movement on chain that no other test has. */
export function chainRef(): Ledger.ChainRef {
  logs += 1
  return {
    chainId,
    transaction: `0x${logs.toString(16).padStart(64, '0')}`,
    logIndex: 0,
    block: BigInt(logs),
  }
}

/** A claim on the balance rail; everything can be said otherwise. */
export function balanceClaim(id: string, change: Partial<Ledger.ClaimRequest> = {}): Ledger.ClaimRequest {
  return {
    id,
    key: `balance:${id}`,
    fingerprint: 'call',
    dialect: 'session',
    wallet: alice,
    route: 'weather',
    asset,
    amount: 10n,
    earns: revenue,
    now: 1_700_000_000_000,
    from: { rail: 'balance' },
    ...change,
  }
}

/** A claim on the charge rail. */
export function chargeClaim(id: string, change: Partial<Ledger.ClaimRequest> = {}): Ledger.ClaimRequest {
  const from = { rail: 'charge', settlement: '{"rail":"charge"}' } as const
  return { ...balanceClaim(id), key: `charge:${id}`, dialect: 'mpp', from, ...change }
}

/** A claim on the channel rail, with a voucher for `cumulative`. */
export function channelClaim(
  id: string,
  cumulative: bigint,
  change: Partial<Ledger.ClaimRequest> & { reusable?: boolean; minDelta?: bigint; channelId?: Hex } = {},
): Ledger.ClaimRequest {
  const { reusable = true, minDelta = 0n, channelId: channel = channelId, ...rest } = change
  const from = { rail: 'channel', channelId: channel, cumulative, signature, minDelta, reusable } as const
  return { ...balanceClaim(id), key: `voucher:${channel}:${cumulative}`, dialect: 'x402', from, ...rest }
}

/** Opens a channel of Alice's. */
export async function openChannel(
  ledger: Ledger,
  deposit = 1_000n,
  id = channelId,
  payer = alice,
): Promise<void> {
  const sides = { escrow: payee, payer, payee, token, asset, signer: payer }
  await ledger.channelSeen({ id, chainId, ...sides, deposit, now: 1_700_000_000_000 })
}

/** Gives a wallet credit, the way a top-up does. */
export async function topUp(
  ledger: Ledger,
  wallet: Address,
  amount: bigint,
  ref = chainRef(),
): Promise<void> {
  const id = `top-up-${ref.transaction}`
  await ledger.claim(chargeClaim(id, { wallet, amount, earns: Account.wallet(wallet) }))
  await ledger.settled({ paymentId: id, ref, deliver: 'delivered' })
}

/** Violations of the laws and the trail, none when the books balance. */
export async function violations(ledger: Ledger): Promise<string[]> {
  const { laws, trail } = await ledger.audit()
  return [...laws.flatMap((law) => law.violations), ...trail.violations]
}

import {
  type Address,
  type Hex,
  hashTypedData,
  hexToBytes,
  keccak256,
  numberToHex,
  recoverTypedDataAddress,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { keccak256 as fastKeccak } from '../../../gateway/chain/signatures/keccak.ts'
import { native } from '../../../gateway/chain/signatures/native.ts'
import { pure } from '../../../gateway/chain/signatures/pure.ts'
import { createSignatures } from '../../../gateway/chain/signatures/Signatures.ts'
import { verifiedVouchers } from '../../../gateway/chain/signatures/verified-vouchers.ts'
import * as Authorization from '../../../gateway/protocol/Authorization.ts'
import { authorizationDigest } from '../../../gateway/protocol/authorization-digest.ts'
import * as Voucher from '../../../gateway/protocol/Voucher.ts'
import { voucherDigest } from '../../../gateway/protocol/voucher-digest.ts'
import { measure, tableOf } from './measure.ts'

/** `node scripts/bench/micro/verify.ts`: what it costs to check what a payer signed, in one thread. */
const key = keccak256('0x01')
const account = privateKeyToAccount(key)
const signer = account.address.toLowerCase() as Address
const escrow: Address = '0x1234567890abcdef1234567890abcdef12345678'
const domain = { chainId: 84_532, escrow }
const channelId: Hex = keccak256('0x02')
const token = { name: 'USD Coin', version: '2', chainId: 84_532, token: escrow }
const transfer = {
  from: account.address,
  to: escrow,
  value: 1_000n,
  validAfter: 0n,
  validBefore: 1_900_000_000n,
  nonce: channelId,
}
const typedTransfer = Authorization.typedData('transfer', token, transfer)

const vouchers = Array.from({ length: 256 }, (_, index) => ({
  channelId: keccak256(numberToHex(index)),
  cumulativeAmount: 1_000n * BigInt(index),
}))
const signed = await Promise.all(
  vouchers.map(async (voucher) => {
    const digest = Voucher.digest(domain, voucher)
    return { voucher, digest: hexToBytes(digest), signature: await account.sign({ hash: digest }) }
  }),
)
const at = (count: number) => signed[count & 255] ?? raise()
const raise = (): never => {
  throw new Error('There is nothing to check.')
}

const digestOf = voucherDigest(domain, fastKeccak)
const pureDigest = voucherDigest(domain)
const transferDigest = authorizationDigest()
const fast = createSignatures(native(), fastKeccak)
const slow = createSignatures(pure('asked for'))
const known = verifiedVouchers(8_192)
for (const { voucher, signature } of signed) known.add(voucher, signature, signer)

const check = (good: boolean) => good || raise()

const costs = await measure({
  'digest of a voucher': (count) => digestOf(at(count).voucher),
  'digest of a voucher, hashed in JavaScript': (count) => pureDigest(at(count).voucher),
  'digest of a voucher, viem': (count) => Voucher.digest(domain, at(count).voucher),
  'digest of a transfer': () => transferDigest('transfer', token, transfer),
  'digest of a transfer, viem': () => hashTypedData(typedTransfer as Parameters<typeof hashTypedData>[0]),
  'recover, native': (count) => check(fast.recover(at(count).digest, at(count).signature) === signer),
  'recover, pure': (count) => check(slow.recover(at(count).digest, at(count).signature) === signer),
  'voucher checked, seen before': (count) => check(known.has(at(count).voucher, at(count).signature, signer)),
  'voucher checked, native': (count) => {
    const { voucher, signature } = at(count)
    return check(fast.signedBy(signer, digestOf(voucher), signature))
  },
  'voucher checked, pure': (count) => {
    const { voucher, signature } = at(count)
    return check(slow.signedBy(signer, digestOf(voucher), signature))
  },
  'voucher checked, viem': async (count) => {
    const { voucher, signature } = at(count)
    const found = await recoverTypedDataAddress({ ...Voucher.typedData(domain, voucher), signature })
    return check(found === account.address)
  },
})
process.stdout.write(`${tableOf(costs)}\n`)

import { type Address, type Hex, keccak256 } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { createKeyAccount } from '../../../client/account/create-key-account.ts'
import { createKeyAccount as createNativeKeyAccount } from '../../../client/account/create-native-key-account.ts'
import { createSigning } from '../../../client/Signing.ts'
import { measure, tableOf } from './measure.ts'

/** `node scripts/bench/micro/sign.ts`: what it costs a client to sign what pays for a call, in one thread. */
const key = keccak256('0x01')
const escrow: Address = '0x1234567890abcdef1234567890abcdef12345678'
const domain = { chainId: 84_532, escrow }
const channelId: Hex = keccak256('0x02')
const token = { name: 'USD Coin', version: '2', chainId: 84_532, token: escrow }
const transfer = { to: escrow, value: 1_000n, validAfter: 0n, validBefore: 1_900_000_000n }

const accounts = {
  native: createNativeKeyAccount(key),
  pure: createKeyAccount(key),
  viem: privateKeyToAccount(key),
}
const operations: Record<string, measure.Operation> = {}
for (const what of ['transfer', 'voucher'])
  for (const [name, account] of Object.entries(accounts)) {
    const signing = createSigning(account)
    operations[`${what} signed, ${name}`] = (count) =>
      what === 'voucher'
        ? signing.voucher(domain, { channelId, cumulativeAmount: 1_000n * BigInt(count + 1) })
        : signing.authorization('transfer', token, { ...transfer, from: account.address, nonce: channelId })
  }
process.stdout.write(`${tableOf(await measure(operations))}\n`)

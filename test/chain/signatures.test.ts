import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import { type Hex, hexToBytes, keccak256, parseSignature, serializeSignature, toHex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { recover, signedBy } from '../../gateway/chain/Signatures.ts'
import { voucherDigest } from '../../gateway/chain/voucher-digest.ts'
import * as Voucher from '../../gateway/protocol/Voucher.ts'

const key = generatePrivateKey()
const account = privateKeyToAccount(key)
const digest = keccak256('0x1234')
const order = secp256k1.Point.Fn.ORDER

describe('Signatures.recover', () => {
  test('default: recovers the signer in lower case', async () => {
    const signature = await account.sign({ hash: digest })
    expect(recover(digest, signature)).toBe(account.address.toLowerCase())
    expect(signedBy(account.address, digest, signature)).toBe(true)
    expect(signedBy(account.address, keccak256('0x12'), signature)).toBe(false)
  })

  test('error: the high-s twin of a valid signature is refused', async () => {
    const { r, s, yParity } = parseSignature(await account.sign({ hash: digest }))
    const twin = serializeSignature({
      r,
      s: toHex(order - BigInt(s), { size: 32 }),
      yParity: yParity === 0 ? 1 : 0,
    })
    expect(recover(digest, twin)).toBeNull()
  })

  test('error: v of 0, 1 or 29, the compact form, and a byte too many or few are refused', async () => {
    const signature = await account.sign({ hash: digest })
    const body = signature.slice(0, 130)
    for (const v of ['00', '01', '1d', 'ff']) expect(recover(digest, `${body}${v}` as Hex)).toBeNull()
    expect(recover(digest, body as Hex)).toBeNull()
    expect(recover(digest, `${signature}00`)).toBeNull()
    expect(recover(digest, signature.slice(0, -2) as Hex)).toBeNull()
  })

  test('error: r or s of zero, and r above the order, are refused', () => {
    const word = (value: bigint) => toHex(value, { size: 32 }).slice(2)
    for (const [r, s] of [
      [0n, 1n],
      [1n, 0n],
      [order, 1n],
      [2n ** 256n - 1n, 1n],
    ] as const)
      expect(recover(digest, `0x${word(r)}${word(s)}1b`)).toBeNull()
  })

  test('behavior: never throws on 65 hostile bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 65, maxLength: 65 }), (bytes) => {
        const found = recover(digest, toHex(bytes))
        expect(found === null || /^0x[0-9a-f]{40}$/.test(found)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})

describe('voucherDigest', () => {
  test('default: equals the digest of the typed data, for any channel, amount, chain and escrow', () => {
    const bytes = (length: number) =>
      fc.uint8Array({ minLength: length, maxLength: length }).map((value) => toHex(value))
    fc.assert(
      fc.property(
        bytes(32),
        fc.bigInt(0n, 2n ** 128n - 1n),
        fc.nat(),
        bytes(20),
        (channelId, amount, chainId, escrow) => {
          const domain = { chainId, escrow }
          const voucher = { channelId, cumulativeAmount: amount }
          expect(voucherDigest(domain)(voucher)).toBe(Voucher.digest(domain, voucher))
        },
      ),
      { numRuns: 50 },
    )
    expect(hexToBytes(digest)).toHaveLength(32)
  })
})

import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { type Address, type Hex, hashTypedData, toHex } from 'viem'
import { describe, expect, test } from 'vitest'
import { keccak256 } from '../../gateway/chain/signatures/keccak.ts'
import * as Authorization from '../../gateway/protocol/Authorization.ts'
import { authorizationDigest } from '../../gateway/protocol/authorization-digest.ts'
import { MalformedWordError } from '../../gateway/protocol/Eip712.ts'
import * as Voucher from '../../gateway/protocol/Voucher.ts'
import { voucherDigest, voucherSeparator } from '../../gateway/protocol/voucher-digest.ts'
import { type Vector, vectorsFile } from '../contracts/vectors/generate.ts'

const { vectors } = JSON.parse(await readFile(vectorsFile, 'utf8')) as { vectors: Vector[] }

const bytes = (length: number): fc.Arbitrary<Hex> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((value) => toHex(value))
const uint = (bits: bigint) => fc.oneof(fc.bigInt(0n, 2n ** bits - 1n), fc.constantFrom(0n, 2n ** bits - 1n))

describe.each([
  ['JavaScript', undefined],
  ['WebAssembly', keccak256],
])('voucherDigest with keccak in %s', (_keccak, keccak) => {
  test('default: equals the digest of the typed data, for any channel, amount, chain and escrow', () => {
    fc.assert(
      fc.property(bytes(32), uint(128n), fc.nat(), bytes(20), (channelId, amount, chainId, escrow) => {
        const domain = { chainId, escrow }
        const voucher = { channelId, cumulativeAmount: amount }
        expect(toHex(voucherDigest(domain, keccak)(voucher))).toBe(Voucher.digest(domain, voucher))
      }),
      { numRuns: 50 },
    )
  })

  test.each(vectors.map((vector) => [vector.name, vector] as const))('default: %s', (_, vector) => {
    const { chainId, escrow, channelId } = vector
    const digest = voucherDigest({ chainId, escrow }, keccak)
    expect(toHex(voucherSeparator({ chainId, escrow }))).toBe(vector.domainSeparator)
    expect(toHex(digest({ channelId, cumulativeAmount: BigInt(vector.cumulativeAmount) }))).toBe(
      vector.voucherDigest,
    )
  })

  test('behavior: a digest keeps its bytes when the next one is made, and nothing of a long amount stays', () => {
    const digest = voucherDigest({ chainId: 1, escrow }, keccak)
    const small = digest({ channelId, cumulativeAmount: 1n })
    const kept = toHex(small)
    digest({ channelId, cumulativeAmount: 2n ** 128n - 1n })
    expect(toHex(small)).toBe(kept)
    expect(toHex(digest({ channelId, cumulativeAmount: 1n }))).toBe(kept)
  })

  test('error: what no voucher can say is refused', () => {
    const digest = voucherDigest({ chainId: 1, escrow }, keccak)
    for (const cumulativeAmount of [-1n, 2n ** 128n])
      expect(() => digest({ channelId, cumulativeAmount })).toThrow(MalformedWordError)
    for (const id of ['0x12', `${channelId}00`, `0x${'g'.repeat(64)}`] as Hex[])
      expect(() => digest({ channelId: id, cumulativeAmount: 1n })).toThrow(MalformedWordError)
    expect(() => voucherDigest({ chainId: 1, escrow: '0x12' }, keccak)).toThrow(MalformedWordError)
  })
})

describe('authorizationDigest', () => {
  const digest = authorizationDigest()

  test('default: equals the digest of the typed data, for any message and token', () => {
    const message = fc.record({
      from: bytes(20),
      to: bytes(20),
      value: uint(256n),
      validAfter: uint(256n),
      validBefore: uint(256n),
      nonce: bytes(32),
    })
    const domain = fc.record({
      name: fc.string({ unit: 'binary' }),
      version: fc.constantFrom('1', '2'),
      chainId: fc.nat(),
      token: fc.oneof(bytes(20), fc.constantFrom(escrow)),
    })
    fc.assert(
      fc.property(fc.constantFrom('transfer', 'receive'), domain, message, (kind, token, value) => {
        const typed = Authorization.typedData(kind, token, value)
        expect(toHex(digest(kind, token, value))).toBe(
          hashTypedData(typed as Parameters<typeof hashTypedData>[0]),
        )
      }),
      { numRuns: 200 },
    )
  })

  test.each(vectors.map((vector) => [vector.name, vector] as const))('default: %s', (_, vector) => {
    const domain = {
      name: vector.tokenName,
      version: vector.tokenVersion,
      chainId: vector.chainId,
      token: vector.token,
    }
    const message = {
      from: vector.payer,
      to: vector.escrow,
      value: BigInt(vector.deposit),
      validAfter: BigInt(vector.validAfter),
      validBefore: BigInt(vector.validBefore),
      nonce: vector.openNonce,
    }
    expect(toHex(digest('receive', domain, message))).toBe(vector.openAuthorizationDigest)
  })
})

const escrow: Address = '0x1234567890abcdef1234567890abcdef12345678'
const channelId: Hex = `0x${'ab'.repeat(32)}`

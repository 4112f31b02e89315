import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import fc from 'fast-check'
import { type Address, bytesToHex, type Hex, hexToBytes, keccak256, parseSignature, toHex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import type { Curve } from '../../gateway/chain/signatures/Curve.ts'
import { chooseCurve } from '../../gateway/chain/signatures/choose-curve.ts'
import { keccak256 as fastKeccak } from '../../gateway/chain/signatures/keccak.ts'
import { pure } from '../../gateway/chain/signatures/pure.ts'
import { createSignatures } from '../../gateway/chain/signatures/Signatures.ts'
import { verifiedVouchers } from '../../gateway/chain/signatures/verified-vouchers.ts'
import type { Keccak } from '../../gateway/protocol/Eip712.ts'
import type { Voucher } from '../../gateway/protocol/Voucher.ts'
import { type Vector, vectorsFile } from '../contracts/vectors/generate.ts'

const { vectors } = JSON.parse(await readFile(vectorsFile, 'utf8')) as { vectors: Vector[] }

const account = privateKeyToAccount(generatePrivateKey())
const hash = keccak256('0x1234')
const digest = hexToBytes(hash)
const order = secp256k1.Point.Fn.ORDER

const word = (value: bigint) => toHex(value, { size: 32 }).slice(2)
const write = (r: bigint, s: bigint, v: string): Hex => `0x${word(r)}${word(s)}${v}`

const here = chooseCurve()
const curves: [string, Curve, Keccak | undefined][] = [['pure', pure('asked for'), undefined]]
if (here.name === 'native') curves.unshift(['native', here, fastKeccak])

describe.each(curves)('Signatures on the %s curve', (_name, curve, keccak) => {
  const { recover, signedBy } = createSignatures(curve, keccak)

  test('default: recovers the signer in lower case', async () => {
    const signature = await account.sign({ hash })
    expect(recover(digest, signature)).toBe(account.address.toLowerCase())
    expect(recover(digest, `0x${signature.slice(2).toUpperCase()}`)).toBe(account.address.toLowerCase())
    expect(signedBy(account.address, digest, signature)).toBe(true)
    expect(signedBy(account.address, hexToBytes(keccak256('0x12')), signature)).toBe(false)
  })

  test.each(vectors.map((vector) => [vector.name, vector] as const))('default: %s', (_, vector) => {
    const key = privateKeyToAccount(vector.key)
    expect(signedBy(key.address, hexToBytes(vector.voucherDigest), vector.voucherSignature)).toBe(true)
    expect(signedBy(key.address, hexToBytes(vector.channelId), vector.voucherSignature)).toBe(false)
  })

  test('default: a digest above the order is taken modulo the order', async () => {
    const above = toHex(new Uint8Array(32).fill(0xff))
    expect(recover(hexToBytes(above), await account.sign({ hash: above }))).toBe(
      account.address.toLowerCase(),
    )
  })

  test('error: the high-s twin of a valid signature is refused', async () => {
    const { r, s, yParity } = parseSignature(await account.sign({ hash }))
    expect(recover(digest, write(BigInt(r), order - BigInt(s), yParity === 0 ? '1c' : '1b'))).toBeNull()
  })

  test('behavior: s of half the order is the highest that counts', () => {
    expect(recover(digest, write(1n, order / 2n, '1b'))).not.toBeNull()
    expect(recover(digest, write(1n, order / 2n + 1n, '1b'))).toBeNull()
  })

  test('error: v of 0, 1 or 29, the compact form, and a byte too many or few are refused', async () => {
    const signature = await account.sign({ hash })
    const body = signature.slice(0, 130)
    for (const v of ['00', '01', '02', '1a', '1d', '1e', 'ff'])
      expect(recover(digest, `${body}${v}` as Hex)).toBeNull()
    expect(recover(digest, body as Hex)).toBeNull()
    expect(recover(digest, `${signature}00`)).toBeNull()
    expect(recover(digest, signature.slice(0, -2) as Hex)).toBeNull()
  })

  test('error: what is no hexadecimal, and a digest of another length, are refused', async () => {
    const signature = await account.sign({ hash })
    for (const bad of ['g', ' ', '-', 'é', '\u{ff11}'])
      for (const at of [2, 65, 131])
        expect(recover(digest, `${signature.slice(0, at)}${bad}${signature.slice(at + 1)}` as Hex)).toBeNull()
    expect(recover(digest.subarray(1), signature)).toBeNull()
  })

  test('error: r or s of zero, r above the order, and an r that is on no point are refused', () => {
    for (const [r, s] of [
      [0n, 1n],
      [1n, 0n],
      [order, 1n],
      [order + 1n, 1n],
      [2n ** 256n - 1n, 1n],
      [5n, 1n],
    ] as const)
      for (const v of ['1b', '1c']) expect(recover(digest, write(r, s, v))).toBeNull()
  })

  test('error: a signature whose key would be the point at infinity is refused', () => {
    const nonce = 7n
    const point = secp256k1.Point.BASE.multiply(nonce).toAffine()
    const s = 12_345n
    const z = hexToBytes(`0x${word((s * nonce) % order)}`)
    expect(recover(z, write(point.x, s, point.y % 2n === 0n ? '1b' : '1c'))).toBeNull()
    expect(recover(z, write(point.x, s, point.y % 2n === 0n ? '1c' : '1b'))).not.toBeNull()
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

describe.skipIf(here.name !== 'native')('both curves', () => {
  const one = createSignatures(here, fastKeccak)
  const other = createSignatures(pure('asked for'))
  const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
  const edges = [0n, 1n, 2n, order / 2n, order / 2n + 1n, order - 1n, order, order + 1n, 2n ** 256n - 1n]
  const scalar = fc.oneof(
    bytes(32).map((value) => BigInt(toHex(value))),
    fc.constantFrom(...edges),
  )

  test('behavior: say the same of what a key signed', () => {
    fc.assert(
      fc.property(bytes(32), bytes(32), (key, message) => {
        fc.pre(secp256k1.utils.isValidSecretKey(key))
        const [parity = 0, ...compact] = secp256k1.sign(message, key, { prehash: false, format: 'recovered' })
        const signature = bytesToHex(Uint8Array.of(...compact, 27 + parity))
        const signer = privateKeyToAccount(bytesToHex(key)).address.toLowerCase()
        expect(one.recover(message, signature)).toBe(signer)
        expect(other.recover(message, signature)).toBe(signer)
      }),
      { numRuns: 50 },
    )
  })

  test('behavior: say the same of hostile numbers and of any v', () => {
    const v = fc.oneof(fc.constantFrom(27, 28), fc.nat(255))
    fc.assert(
      fc.property(
        fc.oneof(bytes(32), fc.constant(new Uint8Array(32))),
        scalar,
        scalar,
        v,
        (message, r, s, v) => {
          const signature = write(r, s, toHex(v, { size: 1 }).slice(2))
          expect(one.recover(message, signature)).toBe(other.recover(message, signature))
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('chooseCurve', () => {
  const built = ['linux-x64', 'darwin-arm64', 'win32-x64'].includes(`${process.platform}-${process.arch}`)

  test.skipIf(!built)('default: takes libsecp256k1 where the package has a build', () => {
    expect(chooseCurve()).toMatchObject({ name: 'native' })
  })

  test('behavior: never takes the elliptic package, which the main module of secp256k1 would', () => {
    expect(Object.keys(createRequire(import.meta.url).cache).filter((path) => /elliptic/.test(path))).toEqual(
      [],
    )
  })

  test('behavior: takes JavaScript where it does not load, and says why in one line', () => {
    const curve = chooseCurve(() => {
      throw new Error('No native build was found for platform=plan9\n    loaded from: somewhere')
    })
    expect(curve.name).toBe('pure')
    expect(curve.reason).toBe('libsecp256k1 cannot be loaded: No native build was found for platform=plan9')
  })
})

describe('verifiedVouchers', () => {
  const signer: Address = '0x00000000000000000000000000000000000000aa'
  const other: Address = '0x00000000000000000000000000000000000000bb'
  const voucher = { channelId: hash, cumulativeAmount: 5n }

  test('default: finds exactly what was added', () => {
    const known = verifiedVouchers(4)
    expect(known.has(voucher, '0x01', signer)).toBe(false)
    known.add(voucher, '0x01', signer)
    expect(known.has({ ...voucher }, '0x01', signer)).toBe(true)
  })

  test('error: a signature counts for no other amount, channel or signer', () => {
    const known = verifiedVouchers(4)
    known.add(voucher, '0x01', signer)
    expect(known.has({ ...voucher, cumulativeAmount: 6n }, '0x01', signer)).toBe(false)
    expect(known.has({ ...voucher, channelId: keccak256('0x') }, '0x01', signer)).toBe(false)
    expect(known.has(voucher, '0x01', other)).toBe(false)
    expect(known.has(voucher, '0x02', signer)).toBe(false)
    expect(known.has(voucher, '0x01', signer)).toBe(true)
  })

  test('behavior: holds the last one of a channel, and whoever repeats an earlier one is verified anew', () => {
    const known = verifiedVouchers(4)
    known.add(voucher, '0x01', signer)
    known.add({ ...voucher, cumulativeAmount: 6n }, '0x02', signer)
    expect(known.has({ ...voucher, cumulativeAmount: 6n }, '0x02', signer)).toBe(true)
    expect(known.has(voucher, '0x01', signer)).toBe(false)
  })

  test('behavior: holds no more than it may, and forgets what was not asked for longest', () => {
    const [first, second, third] = ['0x01', '0x02', '0x03'].map((seed) => ({
      channelId: keccak256(seed as Hex),
      cumulativeAmount: 5n,
    })) as [Voucher, Voucher, Voucher]
    const known = verifiedVouchers(2)
    known.add(first, '0x01', signer)
    known.add(second, '0x02', signer)
    expect(known.has(first, '0x01', signer)).toBe(true)
    known.add(third, '0x03', signer)
    expect(known.has(second, '0x02', signer)).toBe(false)
    expect(known.has(first, '0x01', signer)).toBe(true)
    expect(known.has(third, '0x03', signer)).toBe(true)
  })
})

describe('keccak256', () => {
  test('default: what viem gives, for any length, and what it gave stays when the next is made', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.uint8Array({ maxLength: 600 }), (one, other) => {
        const kept = fastKeccak(one)
        fastKeccak(other)
        expect(toHex(kept)).toBe(keccak256(one))
      }),
    )
  })
})

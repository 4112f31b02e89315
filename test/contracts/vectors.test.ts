import { readFile } from 'node:fs/promises'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { describe, expect, test } from 'vitest'
import { makeVectors, type Vector, vectorsFile } from './vectors/generate.ts'

// The generator uses viem, Vectors.t.sol the contracts; here every value is laid out byte by byte from the
// specification and hashed, so that an error of one encoder cannot pass as agreement.

const { vectors } = JSON.parse(await readFile(vectorsFile, 'utf8')) as { vectors: Vector[] }

const domainType = 'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'
const receiveType =
  'ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)'

function word(value: bigint | number | string): Uint8Array {
  const hex = typeof value === 'string' ? value.slice(2) : value.toString(16)
  return hexToBytes(hex.toLowerCase().padStart(64, '0'))
}

function hash(...parts: Uint8Array[]): string {
  return `0x${bytesToHex(keccak_256(concatBytes(...parts)))}`
}

const hashText = (text: string) => hash(utf8ToBytes(text))

function separator(name: string, version: string, chainId: number, contract: string): string {
  const words = [hashText(domainType), hashText(name), hashText(version), chainId, contract]
  return hash(...words.map(word))
}

function typedData(domain: string, type: string, ...fields: (bigint | string)[]): string {
  const struct = hash(word(hashText(type)), ...fields.map(word))
  return hash(Uint8Array.of(0x19, 0x01), word(domain), word(struct))
}

describe('digests.json', () => {
  test('default: is what the generator makes', async () => {
    expect(vectors).toEqual(await makeVectors())
  })

  test('default: has the cases that matter', () => {
    expect(vectors.length).toBeGreaterThanOrEqual(8)
    expect(vectors.some((vector) => BigInt(vector.cumulativeAmount) === 2n ** 128n - 1n)).toBe(true)
    expect(vectors.some((vector) => BigInt(vector.authorizedSigner) === 0n)).toBe(true)
    expect(vectors.some((vector) => BigInt(vector.authorizedSigner) !== 0n)).toBe(true)
  })

  test.each(vectors.map((vector) => [vector.name, vector] as const))('default: %s', (_, vector) => {
    const { payer, payee, token, salt, authorizedSigner, escrow, chainId, channelId } = vector
    expect(separator('EVM Payment Channel', '1', chainId, escrow)).toBe(vector.domainSeparator)
    expect(hash(...[payer, payee, token, salt, authorizedSigner, escrow, chainId].map(word))).toBe(channelId)
    expect(hash(...[payer, payee, token, salt, authorizedSigner].map(word))).toBe(vector.openNonce)
    expect(hash(...[channelId, BigInt(vector.additionalDeposit), payer, vector.topUpSalt].map(word))).toBe(
      vector.topUpNonce,
    )
    expect(
      typedData(
        vector.domainSeparator,
        'Voucher(bytes32 channelId,uint128 cumulativeAmount)',
        channelId,
        BigInt(vector.cumulativeAmount),
      ),
    ).toBe(vector.voucherDigest)
    expect(separator(vector.tokenName, vector.tokenVersion, chainId, token)).toBe(vector.tokenDomainSeparator)
    const authorization = (value: string, nonce: string) =>
      typedData(
        vector.tokenDomainSeparator,
        receiveType,
        payer,
        escrow,
        BigInt(value),
        BigInt(vector.validAfter),
        BigInt(vector.validBefore),
        nonce,
      )
    expect(authorization(vector.deposit, vector.openNonce)).toBe(vector.openAuthorizationDigest)
    expect(authorization(vector.additionalDeposit, vector.topUpNonce)).toBe(vector.topUpAuthorizationDigest)

    const key = hexToBytes(vector.key.slice(2))
    const point = secp256k1.getPublicKey(key, false).slice(1)
    expect(hash(point).slice(-40)).toBe(payer.slice(2).toLowerCase())
    const signature = secp256k1.sign(word(vector.voucherDigest), key, { prehash: false, format: 'recovered' })
    const [recovery = 0] = signature
    expect(`0x${bytesToHex(signature.slice(1))}${(27 + recovery).toString(16)}`).toBe(vector.voucherSignature)
  })
})

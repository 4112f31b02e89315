import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { hashTypedData, type TypedDataDefinition, toBytes, toHex, verifyMessage } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { describe, expect, test } from 'vitest'
import { createKeyAccount as createPureAccount } from '../../../client/account/create-key-account.ts'
import { createKeyAccount as createNativeAccount } from '../../../client/account/create-native-key-account.ts'
import { digestSigner } from '../../../client/account/KeyAccount.ts'
import { native } from '../../../client/account/native.ts'
import { createSigning } from '../../../client/Signing.ts'
import * as Authorization from '../../../gateway/protocol/Authorization.ts'
import { type Vector, vectorsFile } from '../../contracts/vectors/generate.ts'

const { vectors } = JSON.parse(await readFile(vectorsFile, 'utf8')) as { vectors: Vector[] }
const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const key = generatePrivateKey()

describe.each([
  ['pure', createPureAccount],
  ['native, where there is a build', createNativeAccount],
] as const)('createKeyAccount, %s', (_name, createKeyAccount) => {
  test.each(vectors.map((vector) => [vector.name, vector] as const))('default: %s', async (_, vector) => {
    const { chainId, escrow, channelId, tokenName, tokenVersion, token, payer } = vector
    const account = createKeyAccount(vector.key)
    const signing = createSigning(account)
    const voucher = { channelId, cumulativeAmount: BigInt(vector.cumulativeAmount) }
    expect(await signing.voucher({ chainId, escrow }, voucher)).toBe(vector.voucherSignature)
    const domain = { name: tokenName, version: tokenVersion, chainId, token }
    const message = {
      from: payer,
      to: escrow,
      value: BigInt(vector.deposit),
      validAfter: BigInt(vector.validAfter),
      validBefore: BigInt(vector.validBefore),
      nonce: vector.openNonce,
    }
    const typed = Authorization.typedData('receive', domain, message) as TypedDataDefinition
    const expected = await privateKeyToAccount(vector.key).signTypedData(typed)
    expect(await signing.authorization('receive', domain, message)).toBe(expected)
  })

  test('behavior: signs digests, typed data and messages as viem does, with a low s', async () => {
    const account = createKeyAccount(key)
    const viem = privateKeyToAccount(key)
    expect({ ...account, ...functions }).toEqual({ ...viem, ...functions })
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 32, maxLength: 32 }), async (digest) => {
        const signature = await account.sign({ hash: toHex(digest) })
        expect(signature).toBe(await viem.sign({ hash: toHex(digest) }))
        expect(BigInt(`0x${signature.slice(66, 130)}`)).toBeLessThanOrEqual(order / 2n)
      }),
      { numRuns: 30 },
    )
    const message = await account.signMessage({ message: 'hello' })
    expect(await verifyMessage({ address: account.address, message: 'hello', signature: message })).toBe(true)
    const typed = {
      domain: {},
      types: { A: [{ name: 'b', type: 'uint256' }] },
      primaryType: 'A',
      message: { b: 1n },
    } as const
    expect(await account.signTypedData(typed)).toBe(await viem.sign({ hash: hashTypedData(typed) }))
  })

  test('error: a wrapper that looks at what is signed is asked each time', async () => {
    const account = createKeyAccount(key)
    const asked: string[] = []
    const wrapped = {
      ...account,
      signTypedData: (typed: TypedDataDefinition) => {
        asked.push(typed.primaryType)
        return account.signTypedData(typed)
      },
    } as typeof account
    const inherited = Object.assign(Object.create(account), { signTypedData: wrapped.signTypedData })
    expect(digestSigner(account)).toBeDefined()
    for (const wrapper of [wrapped, inherited]) {
      expect(digestSigner(wrapper)).toBeUndefined()
      const [vector] = vectors
      if (vector === undefined) throw new Error('no vector')
      const { chainId, escrow, channelId } = vector
      await createSigning(wrapper).voucher({ chainId, escrow }, { channelId, cumulativeAmount: 1n })
    }
    expect(asked).toEqual(['Voucher', 'Voucher'])
  })
})

describe('native', () => {
  const built = ['linux-x64', 'darwin-arm64', 'win32-x64'].includes(`${process.platform}-${process.arch}`)
  test.skipIf(!built)('default: is there where the package has a build', () => {
    expect(native(toBytes(key))).toBeDefined()
  })
})

/** Compared by what they do, below. */
const functions = { sign: 0, signMessage: 0, signTypedData: 0, signTransaction: 0, signAuthorization: 0 }

import { describe, expect, test } from 'vitest'
import { deriveKeys } from '../../gateway/keys.ts'
import { MalformedError, toBase64Url } from '../../gateway/protocol/Encoding.ts'
import * as SignedReceipt from '../../gateway/protocol/SignedReceipt.ts'
import { createReceiptSigner } from '../../gateway/request/receipt-signer.ts'

const { receipt: key } = deriveKeys(new Uint8Array(32).fill(1))

const claims = (id: number): SignedReceipt.Claims => ({
  jti: `pay_${id}`,
  iss: 'https://api.example',
  sub: '0x1111111111111111111111111111111111111111',
  iat: 1_900_000_000,
  route: 'GET /a',
  rail: 'balance',
  amount: 10n ** 20n,
  asset: 'eip155:31337/erc20:0x2222222222222222222222222222222222222222',
})

function counting() {
  const signed: string[] = []
  const signer = createReceiptSigner((text) => {
    signed.push(text)
    return key.sign(text)
  })
  return { signed, signer }
}

/** As deep as a call is when its receipt is asked for. */
async function later<Result>(turns: number, work: () => Promise<Result>): Promise<Result> {
  for (let turn = 0; turn < turns; turn++) await null
  return work()
}

describe('sign', () => {
  test('default: calls that go on in one turn share one signature, and each receipt is checked alone', async () => {
    const { signer, signed } = counting()
    const receipts = await Promise.all(
      Array.from({ length: 64 }, (_, id) => later(id, () => signer.sign(claims(id)))),
    )
    expect(signed).toHaveLength(1)
    for (const [id, receipt] of receipts.entries())
      expect(await SignedReceipt.verify(receipt, key.publicKey)).toEqual(claims(id))
  })

  test('behavior: what is asked for in the next turn has a signature of its own', async () => {
    const { signer, signed } = counting()
    await signer.sign(claims(1))
    await SignedReceipt.verify(await signer.sign(claims(2)), key.publicKey)
    expect(signed).toHaveLength(2)
  })

  test('behavior: a receipt stays small however many there are', async () => {
    const { signer, signed } = counting()
    const receipts = await Promise.all(Array.from({ length: 257 }, (_, id) => signer.sign(claims(id))))
    expect(signed).toHaveLength(2)
    const { length } = receipts.at(-1) ?? ''
    for (const receipt of receipts) expect(receipt.length).toBeLessThanOrEqual(length + 8 * 44)
    expect(await SignedReceipt.verify(receipts[256] ?? '', key.publicKey)).toEqual(claims(256))
  })

  test('error: who cannot be signed for is told so, and the next one is signed', async () => {
    let broken = true
    const signer = createReceiptSigner((text) => {
      if (broken) throw new Error('no key')
      return key.sign(text)
    })
    const both = await Promise.allSettled([signer.sign(claims(1)), signer.sign(claims(2))])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    broken = false
    await SignedReceipt.verify(await signer.sign(claims(3)), key.publicKey)
  })
})

describe('verify', () => {
  const input = (head: object) =>
    `${toBase64Url(JSON.stringify(head))}.${toBase64Url(JSON.stringify({ ...claims(1), amount: '1' }))}`
  const typ = 'farthing-receipt+jws'

  test('behavior: a receipt of an earlier version, a signature of its own, is still good', async () => {
    const plain = input({ alg: 'EdDSA', typ })
    const receipt = await SignedReceipt.verify(`${plain}.${key.sign(plain)}`, key.publicKey)
    expect(receipt).toEqual({ ...claims(1), amount: 1n })
  })

  test.each([
    ['of another kind', { alg: 'EdDSA', typ: 'farthing-payment-status+jws' }],
    ['of another algorithm', { alg: 'none', typ }],
  ])('error: a statement %s is no receipt', async (_name, head) => {
    const text = input(head)
    await expect(SignedReceipt.verify(`${text}.${key.sign(text)}`, key.publicKey)).rejects.toThrow(
      MalformedError,
    )
  })

  test('error: claims moved to the path of another receipt', async () => {
    const { signer } = counting()
    const [one = '', other = ''] = await Promise.all([signer.sign(claims(1)), signer.sign(claims(2))])
    const mixed = `${one.slice(0, one.lastIndexOf('.'))}${other.slice(other.lastIndexOf('.'))}`
    await expect(SignedReceipt.verify(mixed, key.publicKey)).rejects.toThrow(MalformedError)
  })

  test('error: a signature over a root does not stand for a statement, nor the other way round', async () => {
    const { root, signed } = SignedReceipt.together([claims(1)])
    const [receipt = ''] = signed(key.sign(root))
    const asPlain = input({ alg: 'EdDSA', typ })
    const last = receipt.slice(receipt.lastIndexOf('.'))
    await expect(SignedReceipt.verify(asPlain + last, key.publicKey)).rejects.toThrow(MalformedError)
    const tree = receipt.slice(0, receipt.lastIndexOf('.'))
    await expect(SignedReceipt.verify(`${tree}.${key.sign(tree)}`, key.publicKey)).rejects.toThrow(
      MalformedError,
    )
  })
})

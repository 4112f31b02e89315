import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PaymentRefusedError } from '../../../client/errors.ts'
import { readOffers } from '../../../client/offers/read-offers.ts'
import { plain } from '../../../client/plain.ts'
import * as Challenge from '../../../gateway/protocol/mpp/Challenge.ts'
import * as PaymentRequired from '../../../gateway/protocol/x402/PaymentRequired.ts'

const hex = (length: number) =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((bytes) => `0x${Buffer.from(bytes).toString('hex')}`)
const amount = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n })
const chainId = fc.integer({ min: 1, max: 2 ** 31 })

describe('readOffers', () => {
  test('default: reads a session offer back as it was made', () => {
    fc.assert(
      fc.property(
        amount,
        amount,
        hex(20),
        hex(20),
        hex(20),
        chainId,
        (price, deposit, token, payee, escrow, chain) => {
          const request = {
            amount: String(price),
            suggestedDeposit: String(deposit),
            currency: token,
            recipient: payee,
            methodDetails: {
              chainId: chain,
              escrowContract: escrow,
              feePayer: true,
              credentialTypes: ['authorization'],
            },
          }
          const challenge = Challenge.create(
            { realm: 'x', method: 'evm', intent: 'session', request },
            new Uint8Array(32),
          )
          const read = readOffers(new Headers({ 'www-authenticate': Challenge.serialize(challenge) }), 0)
          expect(read?.offers).toMatchObject([
            {
              rail: 'channel',
              amount: price,
              suggestedDeposit: deposit,
              token,
              payee,
              escrow,
              chainId: chain,
              funding: ['authorization'],
            },
          ])
        },
      ),
    )
  })

  test('default: reads an x402 offer back as it was made, and lends its domain to the MPP offer', () => {
    fc.assert(
      fc.property(amount, hex(20), hex(20), chainId, (price, token, payee, chain) => {
        const extra = { name: 'Test USD', version: '2' }
        const accepts = [
          {
            scheme: 'exact',
            network: `eip155:${chain}`,
            amount: String(price),
            asset: token,
            payTo: payee,
            maxTimeoutSeconds: 60,
            extra,
          },
        ]
        const required = PaymentRequired.serialize({
          x402Version: 2,
          resource: { url: 'https://x/' },
          accepts,
        })
        const request = {
          amount: '1',
          currency: token,
          recipient: payee,
          methodDetails: { chainId: chain, credentialTypes: ['authorization'] },
        }
        const challenge = Challenge.create(
          { realm: 'x', method: 'evm', intent: 'charge', request },
          new Uint8Array(32),
        )
        const headers = new Headers({
          'payment-required': required,
          'www-authenticate': Challenge.serialize(challenge),
        })
        expect(readOffers(headers, 0)?.offers).toMatchObject([
          { rail: 'charge', amount: 1n, domain: extra },
          { rail: 'charge', amount: price, token, payee, chainId: chain, domain: extra },
        ])
      }),
    )
  })

  test('error: hostile headers give offers, nothing, or our own refusal', () => {
    const text = fc
      .string({ unit: 'binary-ascii', maxLength: 2_000 })
      .map((value) => value.replace(/[^\x20-\x7e]/g, ''))
    const json = fc.json().map((value) => btoa(encodeURIComponent(value)))
    const parameters = fc
      .array(
        fc.tuple(
          fc.constantFrom('id', 'realm', 'method', 'intent', 'request', 'expires', 'opaque'),
          fc.oneof(text, json),
        ),
      )
      .map((pairs) => `Payment ${pairs.map(([name, value]) => `${name}="${value}"`).join(', ')}`)
    fc.assert(
      fc.property(fc.oneof(text, parameters), fc.oneof(text, json), (authenticate, required) => {
        try {
          const headers = new Headers({ 'www-authenticate': authenticate, 'payment-required': required })
          for (const offer of readOffers(headers, 0)?.offers ?? [])
            expect(offer.amount).toBeGreaterThanOrEqual(0n)
        } catch (error) {
          expect(error).toBeInstanceOf(PaymentRefusedError)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('behavior: prices by the token or byte are passed over', () => {
    const request = {
      amount: '1',
      unitType: 'llm_token',
      currency: `0x${'11'.repeat(20)}`,
      recipient: `0x${'22'.repeat(20)}`,
      methodDetails: { chainId: 1, escrowContract: `0x${'33'.repeat(20)}` },
    }
    const challenge = Challenge.create(
      { realm: 'x', method: 'evm', intent: 'session', request },
      new Uint8Array(32),
    )
    const read = readOffers(new Headers({ 'www-authenticate': Challenge.serialize(challenge) }), 0)
    expect(read?.offers).toEqual([])
    expect(read?.rejected).toMatchObject([{ rail: 'channel' }])
  })
})

describe('plain', () => {
  test('error: no control or formatting character survives, and length is bounded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), (text) => {
        const shown = plain(text, 100)
        expect(shown.length).toBeLessThanOrEqual(101)
        expect(shown).not.toMatch(/[\p{Cc}\p{Cf}]/u)
      }),
    )
  })
})

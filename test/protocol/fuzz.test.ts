import { generateKeyPairSync, sign } from 'node:crypto'
import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { Challenge as MppxChallenge } from 'mppx'
import { type Address, type Hex, hashTypedData, keccak256, toHex } from 'viem'
import { describe, expect, test } from 'vitest'
import * as Protocol from '../../gateway/protocol/index.ts'
import { readChallenge } from '../../gateway/protocol/mpp/read-challenge.ts'
import { readVoucher } from '../../gateway/protocol/mpp/read-voucher.ts'

const {
  Amount,
  Authorization,
  Challenge,
  Credential,
  Encoding,
  PaymentPayload,
  PaymentRequired,
  Receipt,
  Session,
  SettlementResponse,
  SignedReceipt,
  Voucher,
} = Protocol
const { InvalidAmountError } = Amount
const { MalformedError } = Encoding

/** Every parser, twice: what we write we read again, and hostile bytes meet our own errors alone. */

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((array) => toHex(array) as Hex)
const address = hex(20) as fc.Arbitrary<Address>
const uint128 = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n })
const uint256 = fc.bigInt({ min: 0n, max: 2n ** 256n - 1n })
const printable = fc.string({
  unit: fc.constantFrom(...Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i))),
  maxLength: 60,
})
const token = fc
  .stringMatching(/^[a-z]{1,12}$/)
  .filter((name) => name !== 'constructor' && name !== 'prototype')
const json = fc.dictionary(token, fc.oneof(printable, fc.integer(), fc.boolean(), fc.constant(null)))
const flat = fc.dictionary(token, printable)
const secret = fc.uint8Array({ minLength: 32, maxLength: 32 })

/** Bytes that look like something, and bytes that do not. */
const hostile = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string(),
  fc.json().map((text) => Buffer.from(text).toString('base64')),
  fc.json().map((text) => Buffer.from(text).toString('base64url')),
  fc.uint8Array().map((bytes) => Buffer.from(bytes).toString('base64')),
  fc.constantFrom('', '=', '====', 'e30', 'bnVsbA==', 'W10', '{}', 'null', `${'A'.repeat(20_000)}`),
  fc
    .constantFrom('__proto__', 'constructor', 'prototype')
    .map((key) => Buffer.from(`{"${key}":{"polluted":true}}`).toString('base64')),
  fc
    .integer({ min: 1, max: 6_000 })
    .map((depth) => Buffer.from(`{"a":${'['.repeat(depth)}${']'.repeat(depth)}}`).toString('base64')),
)

function onlyOurErrors(
  parse: (text: string) => unknown,
  ...ours: (abstract new (
    ...args: never
  ) => Error)[]
): void {
  fc.assert(
    fc.property(hostile, (text) => {
      try {
        parse(text)
      } catch (error) {
        expect(ours.some((one) => error instanceof one)).toBe(true)
        // What was sent is not said again.
        if (text.length > 80) expect((error as Error).message).not.toContain(text)
      }
      expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
    }),
    { numRuns: 400 },
  )
}

describe('Amount', () => {
  test('default: what is written is read again, at any number of decimals', () => {
    fc.assert(
      fc.property(uint128, fc.integer({ min: 0, max: 36 }), (units, decimals) => {
        expect(Amount.parse(Amount.format(units, decimals), decimals)).toBe(units)
        expect(Amount.fromWire(String(units))).toBe(units)
      }),
    )
  })

  test('error: anything else is an InvalidAmountError', () => {
    onlyOurErrors((text) => Amount.parse(text, 6), InvalidAmountError)
    onlyOurErrors(Amount.fromWire, InvalidAmountError)
    for (const text of [
      '',
      '-1',
      '+1',
      '01',
      '1.',
      '.1',
      '1e3',
      '0x1',
      ' 1',
      '1 ',
      '1_000',
      '१',
      String(2n ** 128n),
    ])
      expect(() => Amount.fromWire(text)).toThrow(InvalidAmountError)
  })
})

describe('Encoding', () => {
  test('default: an object is read from base64 and from base64url, padded or not', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = JSON.stringify(value)
        expect(Encoding.decodeJsonObject(Encoding.toBase64(text))).toEqual(value)
        expect(Encoding.decodeJsonObject(Encoding.toBase64Url(text))).toEqual(value)
        expect(Encoding.jcs(JSON.parse(Encoding.jcs(value)))).toBe(Encoding.jcs(value))
      }),
    )
  })

  test('behavior: canonical JSON is that of the reference, whatever the names and values', () => {
    const names = fc.oneof(
      token,
      fc.string({ unit: 'binary' }),
      fc.constantFrom('9', '10', 'a9', 'toJSON', '__proto__'),
    )
    const members = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\\ud800', '\ud800', '\udfff', '\u0007', 'é', -0, 1e21, 0.1, null, undefined, true),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.array(fc.integer(), { maxLength: 2 }),
      json,
    )
    const reference = (value: unknown) => {
      try {
        return canonicalize(value)
      } catch {
        return undefined
      }
    }
    const canonical = (value: unknown) => {
      try {
        return Encoding.jcs(value)
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedError)
        return undefined
      }
    }
    fc.assert(
      fc.property(fc.dictionary(names, members, { noNullPrototype: true }), (value) => {
        expect(canonical(value)).toBe(reference(value))
      }),
      { numRuns: 2_000 },
    )
    for (const value of [
      new Date(0),
      [1, { b: 1, a: 2 }],
      Object('text'),
      { a: Object('text') },
      new Map(),
      null,
      {},
    ])
      expect(canonical(value)).toBe(reference(value))
  })

  test('error: white space, a stranger or padding in the wrong place is not base64', () => {
    const whole = Encoding.toBase64('{"a":"bc"}')
    for (const bent of [
      ` ${whole}`,
      `${whole}\n`,
      `${whole.slice(0, 4)}\t${whole.slice(4)}`,
      `${whole.slice(0, 4)}=${whole.slice(4)}`,
      `${whole}=`,
      `${whole}===`,
      whole.slice(0, -1),
      `${whole}%`,
      `${whole}\u00a0`,
      '=',
    ])
      expect(() => Encoding.decodeJsonObject(bent), JSON.stringify(bent)).toThrow(MalformedError)
  })

  test('error: hostile bytes, and values without a canonical form, are a MalformedError', () => {
    onlyOurErrors(Encoding.decodeJsonObject, MalformedError)
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, undefined, { x: Number.NEGATIVE_INFINITY }])
      expect(() => Encoding.jcs(value)).toThrow(MalformedError)
  })
})

const parameters = fc.record({
  realm: printable,
  method: token,
  intent: token,
  request: json,
  expires: fc.constant('2030-01-01T00:00:00.000Z'),
  description: fc.option(printable, { nil: undefined }),
  digest: fc.constantFrom(undefined, 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:'),
  opaque: fc.option(flat, { nil: undefined }),
})

describe('Challenge', () => {
  test('default: what is serialised is read again, alone and beside others', () => {
    fc.assert(
      fc.property(parameters, parameters, secret, (one, two, key) => {
        const challenges = [Challenge.create(one, key), Challenge.create(two, key)]
        const header = `Bearer realm="x", ${challenges.map(Challenge.serialize).join(', ')}, Basic`
        const clean = challenges.map((challenge) => JSON.parse(JSON.stringify(challenge)) as object)
        expect(Challenge.parseAll(header).map((found) => ({ ...found }))).toEqual(clean)
        for (const found of Challenge.parseAll(header)) expect(Challenge.isBound(found, key)).toBe(true)
        expect(Challenge.decodeRequest(challenges[0] ?? { request: '' })).toEqual(one.request)
      }),
    )
  })

  test('behavior: any change of a bound parameter unbinds it', () => {
    const bound = ['realm', 'method', 'intent', 'request', 'expires', 'digest', 'opaque'] as const
    fc.assert(
      fc.property(parameters, secret, fc.constantFrom(...bound), printable, (given, key, name, value) => {
        const challenge = Challenge.create(given, key)
        fc.pre((challenge[name] ?? '') !== value && !value.includes('|'))
        expect(Challenge.isBound({ ...challenge, [name]: value }, key)).toBe(false)
      }),
    )
  })

  test("behavior: mppx's own parser reads it alike, and its own id verifies ours", () => {
    fc.assert(
      fc.property(parameters, fc.stringMatching(/^[0-9a-f]{32,64}$/), (given, key) => {
        fc.pre(given.realm.trim() === given.realm && given.realm !== '')
        const ours = Challenge.create(given, new TextEncoder().encode(key))
        const theirs = MppxChallenge.deserialize(Challenge.serialize(ours))
        expect(theirs).toMatchObject({
          id: ours.id,
          realm: ours.realm,
          method: ours.method,
          intent: ours.intent,
        })
        expect(theirs.request).toEqual(given.request)
        expect(MppxChallenge.verify(theirs, { secretKey: key })).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('error: hostile headers are read as no challenge, in bounded time', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          hostile,
          hostile.map((text) => `Payment ${text}`),
          printable.map((text) => `Payment id="${text}`),
        ),
        (text) => {
          expect(Challenge.parseAll(text)).toEqual([])
        },
      ),
    )
    const started = performance.now()
    for (const unit of ['Payment ', 'a="', ',', 'a=b,', '\\"', 'Payment id="\\'])
      Challenge.parseAll(unit.repeat(100_000))
    expect(performance.now() - started).toBeLessThan(2_000)
  })
})

const challenge = fc
  .tuple(parameters, secret)
  .map(
    ([given, key]) =>
      JSON.parse(JSON.stringify(Challenge.create(given, key))) as Protocol.Challenge.Challenge,
  )
const requirements = fc.record({
  scheme: token,
  network: token,
  amount: uint128.map(String),
  asset: address,
  payTo: address,
  maxTimeoutSeconds: fc.integer({ min: 1, max: 1e6 }),
  extra: json,
})

describe('Credential', () => {
  test('default: what is serialised is read again', () => {
    fc.assert(
      fc.property(challenge, printable, json, (echoed, source, payload) => {
        const credential = { challenge: echoed, source, payload }
        const header = Credential.serialize(credential)
        expect(Credential.parse(Credential.token(header) ?? '')).toEqual(credential)
      }),
    )
  })

  test('behavior: a challenge is read as its schema reads it, and what it refuses is left to it', () => {
    const odd = fc.oneof(
      printable,
      fc.constantFrom(undefined, null, 1, '', 'x'.repeat(16_385), {}, [], 'x'.repeat(16_384)),
    )
    const names = [
      'id',
      'realm',
      'method',
      'intent',
      'request',
      'expires',
      'digest',
      'description',
      'opaque',
      'other',
    ]
    fc.assert(
      fc.property(challenge, fc.constantFrom(...names), odd, (echoed, name, value) => {
        const bent = { ...echoed, [name]: value }
        const parsed = Challenge.schema.safeParse(bent)
        expect(readChallenge(bent) ?? undefined).toEqual(parsed.success ? parsed.data : undefined)
      }),
    )
    for (const none of [null, undefined, 'text', 1, []]) expect(readChallenge(none)).toBeNull()
  })

  test.each([
    ['no challenge', { payload: {} }, /challenge/],
    ['a challenge without a realm', { challenge: { id: 'x' }, payload: {} }, /challenge\.realm/],
    ['a payload that is a list', { payload: [] }, /payload/],
    ['a source that is too long', { payload: {}, source: 'x'.repeat(257) }, /source/],
    ['a source that is a number', { payload: {}, source: 1 }, /source/],
  ])('error: %s is named in the complaint', (_, part, complaint) => {
    const whole = { id: 'i', realm: 'r', method: 'm', intent: 'i', request: 'r' }
    const value = 'payload' in part && complaint.source === 'challenge' ? part : { challenge: whole, ...part }
    expect(() => Credential.parse(Encoding.toBase64Url(JSON.stringify(value)))).toThrow(complaint)
  })

  test('error: hostile bytes are a MalformedError', () => {
    onlyOurErrors(Credential.parse, MalformedError)
    onlyOurErrors((text) => Credential.token(text))
    for (const other of ['Payment', 'Payment a b', 'Payment a\tb', 'Payments a', 'Bearer a', ''])
      expect(Credential.token(other)).toBeNull()
  })
})

describe('Session', () => {
  test('behavior: a voucher is read as its schema reads it, and what it refuses is left to it', () => {
    const odd = fc.oneof(
      hex(32),
      hex(65),
      hex(3),
      uint256.map(String),
      fc.constantFrom(undefined, null, 1, '01', '-1', '', `0x${'ab'.repeat(4_097)}`, `0X${'a'.repeat(64)}`),
    )
    const spelt = (text: string) =>
      fc.boolean().map((high) => (high ? `0x${text.slice(2).toUpperCase()}` : text))
    const payload = fc.record({
      action: fc.constant('voucher'),
      channelId: hex(32).chain(spelt),
      cumulativeAmount: uint128.map(String),
      signature: hex(65).chain(spelt),
    })
    fc.assert(
      fc.property(
        payload,
        fc.constantFrom('action', 'channelId', 'cumulativeAmount', 'signature', 'other'),
        odd,
        (given, name, value) => {
          for (const one of [given, { ...given, [name]: value }]) {
            const parsed = Session.voucher.safeParse(one)
            expect(readVoucher(one) ?? undefined).toEqual(parsed.success ? parsed.data : undefined)
          }
        },
      ),
      { numRuns: 1_000 },
    )
    const deposit = { action: 'open' }
    expect(readVoucher({ action: 'voucher', channelId: '', deposit })).toBeNull()
  })
})

describe('x402', () => {
  test('default: what is serialised is read again', () => {
    fc.assert(
      fc.property(
        fc.array(requirements, { maxLength: 4 }),
        printable,
        printable,
        json,
        (accepts, url, error, payload) => {
          const required = { x402Version: 2 as const, error, resource: { url }, accepts }
          expect(PaymentRequired.parse(PaymentRequired.serialize(required))).toEqual(required)
          const [accepted] = accepts
          if (accepted === undefined) return
          const payment = { x402Version: 2 as const, resource: { url }, accepted, payload }
          expect(PaymentPayload.parse(PaymentPayload.serialize(payment))).toEqual(payment)
        },
      ),
    )
    fc.assert(
      fc.property(fc.boolean(), hex(32), uint128, (success, transaction, amount) => {
        const response = { success, transaction, network: 'eip155:1', amount: String(amount) }
        expect(SettlementResponse.parse(SettlementResponse.serialize(response))).toEqual(response)
      }),
    )
  })

  test('error: hostile bytes are a MalformedError', () => {
    for (const parser of [PaymentRequired, PaymentPayload, SettlementResponse])
      onlyOurErrors(parser.parse, MalformedError)
  })
})

describe('receipts', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const { x } = publicKey.export({ format: 'jwk' })
  const key = { kty: 'OKP', crv: 'Ed25519', x: String(x) } as const
  const claims = fc.record({
    jti: token,
    iss: printable,
    sub: address,
    iat: fc.nat(),
    route: printable,
    rail: fc.constantFrom('charge' as const, 'channel' as const, 'balance' as const),
    amount: uint128,
    asset: printable,
    spent: uint128,
  })
  const together = (given: readonly Protocol.SignedReceipt.Claims[]) => {
    const { root, signed } = SignedReceipt.together(given)
    return signed(sign(null, Buffer.from(root), privateKey).toString('base64url'))
  }

  test('default: what is written is read again', async () => {
    fc.assert(
      fc.property(printable, token, (reference, method) => {
        const receipt = { status: 'success' as const, method, timestamp: '2030-01-01T00:00:00Z', reference }
        expect(Receipt.parse(Receipt.serialize(receipt))).toEqual(receipt)
      }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(claims, { minLength: 1, maxLength: 20 }), async (given) => {
        const receipts = together(given)
        for (const [index, receipt] of receipts.entries())
          expect(await SignedReceipt.verify(receipt, key)).toEqual(given[index])
      }),
    )
  })

  test('error: hostile bytes, and a receipt with any character changed, are a MalformedError', async () => {
    onlyOurErrors(Receipt.parse, MalformedError)
    await fc.assert(
      fc.asyncProperty(hostile, async (text) => {
        await expect(SignedReceipt.verify(text, key)).rejects.toThrow(MalformedError)
      }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(claims, { minLength: 1, maxLength: 9 }),
        fc.nat(),
        fc.constantFrom('A', 'b', '.', '_', 'L', 'R', ''),
        async (given, at, character) => {
          const whole = together(given)[at % given.length] ?? ''
          const index = at % (whole.length - 1)
          const bent = whole.slice(0, index) + character + whole.slice(index + 1)
          fc.pre(bent !== whole)
          await expect(SignedReceipt.verify(bent, key)).rejects.toThrow(MalformedError)
        },
      ),
    )
  })
})

describe('digests', () => {
  test('default: a voucher and an authorization have the digests that viem gives them', () => {
    fc.assert(
      fc.property(
        hex(32),
        uint128,
        address,
        fc.integer({ min: 1, max: 2 ** 31 }),
        (channelId, cumulativeAmount, escrow, chainId) => {
          const expected = hashTypedData({
            domain: { name: 'EVM Payment Channel', version: '1', chainId, verifyingContract: escrow },
            types: {
              Voucher: [
                { name: 'channelId', type: 'bytes32' },
                { name: 'cumulativeAmount', type: 'uint128' },
              ],
            },
            primaryType: 'Voucher',
            message: { channelId, cumulativeAmount },
          })
          expect(Voucher.digest({ chainId, escrow }, { channelId, cumulativeAmount })).toBe(expected)
        },
      ),
    )
    fc.assert(
      fc.property(address, address, uint256, hex(32), (from, to, value, nonce) => {
        const message = { from, to, value, validAfter: 0n, validBefore: 1n, nonce }
        const domain = { name: 'Test USD', version: '2', chainId: 1, token: to }
        const transfer = hashTypedData(
          Authorization.typedData('transfer', domain, message) as Parameters<typeof hashTypedData>[0],
        )
        const receive = hashTypedData(
          Authorization.typedData('receive', domain, message) as Parameters<typeof hashTypedData>[0],
        )
        expect(transfer).not.toBe(receive)
      }),
    )
  })

  test('behavior: the nonce of a charge is keccak256 of its challenge id and realm', () => {
    fc.assert(
      fc.property(printable, printable, (id, realm) => {
        expect(Challenge.hash({ id, realm })).toBe(keccak256(toHex(id + realm)))
      }),
    )
  })
})

describe('the public surface', () => {
  test('default: is what is written here', () => {
    const surface = Object.fromEntries(
      Object.entries(Protocol).map(([name, module]) => [name, Object.keys(module).sort()]),
    )
    expect(surface).toMatchSnapshot()
  })
})

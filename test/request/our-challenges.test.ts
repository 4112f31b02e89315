import { describe, expect, test } from 'vitest'
import { deriveKeys } from '../../gateway/keys.ts'
import { MalformedError } from '../../gateway/protocol/Encoding.ts'
import * as Challenge from '../../gateway/protocol/mpp/Challenge.ts'
import { createOurChallenges } from '../../gateway/request/our-challenges.ts'

const keys = deriveKeys(new Uint8Array(32).fill(1), [new Uint8Array(32).fill(2)])
const others = deriveKeys(new Uint8Array(32).fill(3))

function challenge(changes: Partial<Parameters<typeof Challenge.create>[0]> = {}, key = keys.challenge) {
  const parameters = {
    realm: 'api.example',
    method: 'evm',
    intent: 'session',
    request: { amount: '10' },
    expires: '2030-01-01T00:00:00.000Z',
    opaque: { route: 'GET /a', nonce: 'n' },
    ...changes,
  }
  return Challenge.create(parameters, key)
}

describe('opaqueOf', () => {
  test('default: what we wrote into a challenge of ours, also the second time', () => {
    const ours = createOurChallenges(keys.challenges)
    expect(ours.opaqueOf(challenge())).toEqual({ route: 'GET /a', nonce: 'n' })
    expect(ours.opaqueOf({ ...challenge() })).toEqual({ route: 'GET /a', nonce: 'n' })
  })

  test('behavior: it is bound once, then remembered', () => {
    let bound = 0
    const ours = createOurChallenges(
      keys.challenges.map((key) => (text) => {
        bound++
        return key(text)
      }),
    )
    for (let times = 0; times < 5; times++) ours.opaqueOf(challenge())
    expect(bound).toBe(2)
  })

  test('behavior: one made under a previous secret is ours', () => {
    const previous = deriveKeys(new Uint8Array(32).fill(2))
    expect(createOurChallenges(keys.challenges).opaqueOf(challenge({}, previous.challenge))).not.toBeNull()
  })

  test('attack: whatever is changed in a challenge that is remembered, it is not ours any more', () => {
    const ours = createOurChallenges(keys.challenges)
    const known = challenge({ digest: 'sha-256=:AAAA:' })
    expect(ours.opaqueOf(known)).not.toBeNull()
    const other = challenge({ request: { amount: '1' }, opaque: { route: 'GET /b' } }, others.challenge)
    const changes: Partial<Challenge.Challenge>[] = [
      { realm: 'evil.example' },
      { method: 'tempo' },
      { intent: 'charge' },
      { request: other.request },
      { expires: '2040-01-01T00:00:00.000Z' },
      { expires: undefined },
      { digest: undefined },
      { opaque: other.opaque },
      { opaque: undefined },
      { id: other.id },
    ]
    for (const change of changes) expect(ours.opaqueOf({ ...known, ...change })).toBeNull()
    expect(ours.opaqueOf(known)).not.toBeNull()
  })

  test('attack: challenges without end do not fill the memory, and the ones in use stay ours', () => {
    const ours = createOurChallenges(keys.challenges)
    for (let n = 0; n < 5_000; n++)
      expect(ours.opaqueOf(challenge({ opaque: { nonce: String(n) } }))).toEqual({ nonce: String(n) })
    expect(ours.opaqueOf(challenge({ opaque: { nonce: '0' } }))).toEqual({ nonce: '0' })
  })

  test('error: one of ours whose opaque is no map is malformed', () => {
    const ours = createOurChallenges([(text) => keys.challenge(text)])
    const parameters = { ...challenge(), opaque: 'bm90IGpzb24' }
    const bound = { ...parameters, id: Challenge.bind(parameters, keys.challenge) }
    expect(() => ours.opaqueOf(bound)).toThrow(MalformedError)
  })
})

import { describe, expect, test } from 'vitest'
import { LedgerClosedError } from '../../../gateway/ledger/errors.ts'
import type { Subject } from '../behaviour.ts'
import { alice, balanceClaim, chainId } from '../fixtures.ts'

export function signIn({ ledger, clock }: Subject): void {
  describe('nonces', () => {
    test('default: a nonce signs in once', async () => {
      await ledger().createNonce('n', clock().now() + 1_000)
      const uses = await Promise.all([1, 2, 3].map(() => ledger().useNonce('n', clock().now())))
      expect(uses.filter(Boolean)).toHaveLength(1)
    })

    test('behavior: not when it is unknown or expired', async () => {
      expect(await ledger().useNonce('nobody', clock().now())).toBe(false)
      await ledger().createNonce('n', clock().now() + 1_000)
      expect(await ledger().useNonce('n', clock().now() + 1_000)).toBe(false)
    })
  })

  describe('sessions', () => {
    const session = (expiresAt: number) => ({
      tokenHash: 'h',
      wallet: alice,
      chainId,
      createdAt: 1,
      expiresAt,
    })

    test('default: a session is there until it ends', async () => {
      await ledger().createSession(session(1_000))
      expect(await ledger().session('h', 999)).toEqual(session(1_000))
      expect(await ledger().session('h', 1_000)).toBeNull()
      await ledger().endSession('h')
      expect(await ledger().session('h', 999)).toBeNull()
      expect(await ledger().session('nobody', 1)).toBeNull()
    })
  })

  describe('close', () => {
    test('behavior: finishes what was asked and takes no more', async () => {
      const last = ledger().claim(balanceClaim('a', { amount: 0n }))
      await ledger().close()
      expect((await last).outcome).toBe('fresh')
      await expect(ledger().complete('a')).rejects.toThrow(LedgerClosedError)
      await expect(ledger().payment({ id: 'a' })).rejects.toThrow(LedgerClosedError)
    })
  })
}

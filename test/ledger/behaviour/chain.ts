import { describe, expect, test } from 'vitest'
import {
  CloseNotAskedError,
  IntentError,
  IntentUnderWayError,
  NonceTakenError,
} from '../../../gateway/ledger/errors.ts'
import type { Ledger } from '../../../gateway/ledger/Ledger.ts'
import type { Subject } from '../behaviour.ts'
import { chainId, channelId, openChannel, payee } from '../fixtures.ts'

export function chain({ ledger }: Subject): void {
  const intent = (id: string, change: Partial<Ledger.NewIntent> = {}): Ledger.NewIntent => ({
    id,
    chainId,
    kind: 'settle',
    subjects: [channelId, 'pay_A'],
    from: payee,
    nonce: 7,
    raw: '0x02f8',
    hash: `0x${'ab'.repeat(32)}`,
    now: 1,
    ...change,
  })

  describe('intents', () => {
    test('default: what is about to be sent is known before, and followed to its end', async () => {
      const written = await ledger().intend(intent('i'))
      expect(written).toEqual({ ...intent('i'), state: 'intended', reason: null, updatedAt: 1 })
      await ledger().updateIntent('i', { state: 'sent', now: 2 })
      expect((await ledger().openIntents()).map(({ state }) => state)).toEqual(['sent'])
      const ended = await ledger().updateIntent('i', { state: 'reverted', reason: 'out of gas', now: 3 })
      expect(ended).toMatchObject({ state: 'reverted', reason: 'out of gas', updatedAt: 3 })
      expect(await ledger().openIntents()).toEqual([])
    })

    test('behavior: found by each subject, channel ids by value and payment ids as they are', async () => {
      await ledger().intend(intent('i'))
      await ledger().intend(intent('j', { subjects: ['pay_a'], nonce: 8, now: 2 }))
      const about = async (subject: string) => (await ledger().intentsFor(subject)).map(({ id }) => id)
      expect(await about(channelId.toUpperCase().replace('0X', '0x'))).toEqual(['i'])
      expect([await about('pay_A'), await about('pay_a'), await about('pay_b')]).toEqual([['i'], ['j'], []])
      expect((await ledger().openIntents()).map(({ id }) => id)).toEqual(['i', 'j'])
    })

    test('behavior: late news of sending does not reopen what is mined', async () => {
      await ledger().intend(intent('i'))
      await ledger().updateIntent('i', { state: 'succeeded', now: 2 })
      expect((await ledger().updateIntent('i', { state: 'sent', now: 3 })).state).toBe('succeeded')
    })

    test('behavior: what a key had mined is found from a nonce on', async () => {
      for (const nonce of [3, 9, 7, 8])
        await ledger().intend(intent(`i${nonce}`, { nonce, kind: 'repair', subjects: [] }))
      for (const id of ['i3', 'i9', 'i7']) await ledger().updateIntent(id, { state: 'succeeded', now: 2 })
      await ledger().updateIntent('i9', { state: 'succeeded', now: 2 })
      const mined = async (from: typeof payee) =>
        (await ledger().minedIntents(chainId, from, 7)).map(({ nonce }) => nonce)
      expect(await mined(payee)).toEqual([7, 9])
      expect(await mined(`0x${'99'.repeat(20)}`)).toEqual([])
    })

    test('behavior: a replacement is written beside what was signed before; the mined one is shown', async () => {
      const first = intent('i')
      await ledger().intend(first)
      const second = { raw: '0x02f9', hash: `0x${'cd'.repeat(32)}`, at: 5 } as const
      expect(await ledger().replaceIntent('i', second)).toMatchObject({ raw: second.raw, hash: second.hash })
      const both = [{ raw: first.raw, hash: first.hash, at: 1 }, second]
      expect(await ledger().attempts('i')).toEqual(both)
      const ended = await ledger().updateIntent('i', { state: 'succeeded', hash: first.hash, now: 6 })
      expect(ended).toMatchObject({ raw: first.raw, hash: first.hash, state: 'succeeded' })
      expect(await ledger().attempts('i')).toEqual(both)
    })

    test('error: what has ended is not replaced, and nobody else’s transaction ends it', async () => {
      await ledger().intend(intent('i'))
      const other = { raw: '0x02f9', hash: `0x${'cd'.repeat(32)}`, at: 5 } as const
      const foreign = { state: 'succeeded', hash: other.hash, now: 6 } as const
      await expect(ledger().updateIntent('i', foreign)).rejects.toThrow(IntentError)
      expect((await ledger().openIntents()).map(({ id }) => id)).toEqual(['i'])
      await ledger().updateIntent('i', { state: 'dropped', now: 6 })
      await expect(ledger().replaceIntent('i', other)).rejects.toThrow(IntentError)
    })

    test('error: what is mined has one end; what is written is written once', async () => {
      await ledger().intend(intent('i'))
      await expect(ledger().intend(intent('i'))).rejects.toThrow(IntentError)
      await ledger().updateIntent('i', { state: 'succeeded', now: 2 })
      await expect(ledger().updateIntent('i', { state: 'dropped', now: 3 })).rejects.toThrow(IntentError)
      await expect(ledger().updateIntent('nobody', { state: 'sent', now: 3 })).rejects.toThrow(IntentError)
    })
  })

  describe('intents of several processes', () => {
    test('default: a nonce of a key is taken once, also when it is mined; a dropped one is free again', async () => {
      await ledger().intend(intent('i'))
      const other = (id: string) => intent(id, { kind: 'charge', subjects: [id] })
      await expect(ledger().intend(other('j'))).rejects.toThrow(NonceTakenError)
      await ledger().intend({ ...other('elsewhere'), chainId: 5 })
      await ledger().intend({ ...other('other-key'), from: `0x${'99'.repeat(20)}` })
      await ledger().updateIntent('i', { state: 'dropped', now: 2 })
      await ledger().intend(other('j'))
      await ledger().updateIntent('j', { state: 'succeeded', now: 3 })
      await expect(ledger().intend(other('k'))).rejects.toThrow(NonceTakenError)
    })

    test.each([
      { what: 'a channel is settled once at a time', kinds: ['settle', 'settle'] },
      { what: 'a channel is not closed while it is settled', kinds: ['settle', 'close'] },
      { what: 'a payment is sent once at a time', kinds: ['charge', 'charge'] },
      { what: 'a channel is opened once at a time', kinds: ['open', 'open'] },
    ] as const)('behavior: $what', async ({ kinds: [first, second] }) => {
      await ledger().intend(intent('i', { kind: first, subjects: [channelId] }))
      const again = intent('j', { kind: second, subjects: [channelId], nonce: 8 })
      const refused = await ledger()
        .intend(again)
        .catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(IntentUnderWayError)
      expect(refused).toMatchObject({ details: { intent: 'i' } })
      expect(await ledger().intentsFor(channelId)).toHaveLength(1)
      await ledger().updateIntent('i', { state: 'reverted', now: 2 })
      expect((await ledger().intend(again)).state).toBe('intended')
    })

    test('behavior: several top-ups of a channel may be under way, and each signed deposit once', async () => {
      const deposit = (byte: string) => `0x${byte.repeat(32)}`
      const topUp = (id: string, nonce: number, what: string) =>
        intent(id, { kind: 'top-up', subjects: [channelId, what], nonce })
      await ledger().intend(topUp('i', 1, deposit('aa')))
      await ledger().intend(topUp('j', 2, deposit('bb')))
      await expect(ledger().intend(topUp('k', 3, deposit('AA')))).rejects.toThrow(IntentUnderWayError)
    })

    test('error: a channel that is not asked to close is not closed (a call could be taken beside it)', async () => {
      await openChannel(ledger())
      const close = intent('i', { kind: 'close', subjects: [channelId] })
      await expect(ledger().intend(close)).rejects.toThrow(CloseNotAskedError)
      await ledger().closeRequested(channelId, 5)
      expect((await ledger().intend(close)).state).toBe('intended')
    })

    test('behavior: while its close is out, a channel stays closed to calls, whatever the escrow says yet', async () => {
      await openChannel(ledger())
      await ledger().closeRequested(channelId, 5)
      await ledger().intend(intent('i', { kind: 'close', subjects: [channelId] }))
      expect((await ledger().closeRequested(channelId, null)).closeRequestedAt).toBe(5)
      await ledger().updateIntent('i', { state: 'dropped', now: 2 })
      expect((await ledger().closeRequested(channelId, null)).closeRequestedAt).toBeNull()
    })
  })

  describe('cursor', () => {
    test('default: one for each chain, and it may go back', async () => {
      expect(await ledger().cursor(chainId)).toBeNull()
      await ledger().setCursor(chainId, 50n)
      await ledger().setCursor(1, 9n)
      await ledger().setCursor(chainId, 48n)
      expect([await ledger().cursor(chainId), await ledger().cursor(1)]).toEqual([48n, 9n])
    })
  })
}

import { expect, test, vi } from 'vitest'
import type { Chain } from '../../../gateway/chain/Chain.ts'
import type { Channel } from '../../../gateway/ledger/Channel.ts'
import type { Ledger } from '../../../gateway/ledger/Ledger.ts'
import { DepositInProgressError, type RelayContext, relay } from '../../../gateway/rails/channel/relay.ts'
import { PaymentUnknownError, SessionRefusedError } from '../../../gateway/rails/payment-error.ts'
import { createSingleFlight } from '../../../gateway/single-flight.ts'

/** What only a race between two processes shows: the escrow refuses this one's copy of an opening that another has sent. */

const order = {
  kind: 'open',
  channelId: '0xc1',
  payer: '0xa1',
  nonce: '0xb1',
  data: '0x',
  deposit: 1n,
} as const

type Books = { booked: boolean; intents: Pick<Ledger.Intent, 'state' | 'now'>[]; company: boolean }

/** The books as another process changes them, and an escrow that refuses whatever is sent. */
function stage(books: Books, options: { waits?: () => void; submitted?: () => void } = {}) {
  const submit = vi.fn(async (): Promise<Chain.Outcome> => {
    options.submitted?.()
    return { status: 'rejected', reason: 'channel-already-exists' }
  })
  const context = {
    terms: { token: { address: '0xd1' } },
    chain: { submit, depth: () => 1, escrow: '0xe1' },
    ledger: {
      channel: async () => (books.booked ? ({} as Channel) : null),
      intentsFor: async () => books.intents,
      instances: { hadCompany: async () => books.company },
      relays: { take: async () => ({ outcome: 'taken', id: 1 }), giveBack: async () => {} },
    },
    clock: { now: () => 1_000 },
    singleFlight: createSingleFlight(),
    patience: {
      granted: null,
      wake: () => {},
      async next() {
        options.waits?.()
        return options.waits !== undefined
      },
    },
    config: { gasBudgets: { gasPerTransaction: 1, windowSeconds: 1 }, chain: { timeoutMs: 500 } },
  }
  return { submit, run: () => relay(order, context as unknown as RelayContext) }
}

const sent = (now: number) => ({ state: 'succeeded' as const, now })

test('default: refused by the escrow, and nobody has sent it: refused', async () => {
  const { run } = stage({ booked: false, intents: [], company: true })
  await expect(run()).rejects.toThrow(SessionRefusedError)
})

test('behavior: another process has it mined and not booked: in progress, or waited for', async () => {
  const books: Books = { booked: false, intents: [], company: true }
  const submitted = () => books.intents.push(sent(900))
  await expect(stage(books, { submitted }).run()).rejects.toThrow(DepositInProgressError)
  books.intents = []
  const waits = vi.fn(() => {
    books.booked = true
  })
  await stage(books, { submitted, waits }).run()
  expect(waits).toHaveBeenCalledTimes(1)
})

test('behavior: it is booked while this one asks why it was refused: made', async () => {
  const books: Books = { booked: false, intents: [], company: true }
  let looks = 0
  books.intents = new Proxy(books.intents, {
    get(target, name, receiver) {
      // The look after the refusal.
      if (name === 'findLast' && ++looks === 3) books.booked = true
      return Reflect.get(target, name, receiver)
    },
  })
  await stage(books).run()
  expect(looks).toBe(3)
})

test('behavior: what another process has sent is neither sent nor counted again', async () => {
  const { run, submit } = stage({ booked: false, intents: [sent(900)], company: true })
  await expect(run()).rejects.toThrow(DepositInProgressError)
  expect(submit).not.toHaveBeenCalled()
})

test('error: nobody lives who has sent it, or its time is over: unknown, never in progress', async () => {
  for (const books of [
    { booked: false, intents: [sent(900)], company: false },
    { booked: false, intents: [sent(500)], company: true },
  ])
    await expect(stage(books).run()).rejects.toThrow(PaymentUnknownError)
})

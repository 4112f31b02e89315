import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type House, house } from './house.ts'
import { type Load, load } from './load.ts'
import { type Case, killAt, type Outcome } from './round.ts'

/**
 * The real process, killed with SIGKILL at each step of a call that is paid from a channel or a balance, while others call.
 * Their money is held already: after the restart the caller is answered, or has credit, and is charged at most once.
 */

const done = (operation: string) => ({ when: 'after', operation }) as const
const about = (operation: string) => ({ when: 'before', operation }) as const
const answered = (runs: number): Outcome => ({ told: 'answer', runs, paid: 1, moved: 0 })
const credited: Outcome = { told: 'payment-credited', runs: 1, paid: 0, moved: 0 }

type Step = Pick<Case, 'at' | 'last'> & { step: string; becomes: Outcome; path?: string }
const steps: Step[] = [
  { step: 'held', at: done('claim'), becomes: answered(1) },
  { step: 'delivering', at: 'called', becomes: answered(2) },
  { step: 'delivered, not captured', at: about('capture'), becomes: answered(2) },
  { step: 'captured, not answered', at: done('capture'), becomes: answered(1) },
  { step: 'inside a stream', at: 'first-byte', path: '/stream', becomes: credited },
  { step: 'stream ended, not booked', at: about('complete'), path: '/stream', becomes: credited },
  {
    step: 'stream ended and booked',
    at: done('complete'),
    path: '/stream',
    becomes: { told: 'already-delivered', runs: 1, paid: 1, moved: 0 },
  },
  { step: 'stream broken, not refunded', at: about('refund'), path: '/broken', becomes: credited },
  { step: 'refunded, not told', at: done('refund'), path: '/broken', becomes: credited },
]
const rails = ['channel', 'balance'] as const
const all = rails.flatMap((rail) =>
  steps.map(({ path, ...rest }) => ({
    ...rest,
    rail,
    name: `${rail}-${rest.step}`,
    path: `/${rail}${path ?? '/plain'}`,
  })),
)
const openings = [
  { step: 'signed, recorded, not sent', at: { ...done('intend'), kind: 'open' } },
  { step: 'mined, not booked', at: about('channelSeen') },
  { step: 'booked, its call not claimed', at: about('claim') },
] as const

/** Who waits for the disk: a thread, as on several cores; or for small groups the event loop, as on a single one. */
const syncs = ['beside', 'small-at-once'] as const

describe.each(syncs)('with the disk waited for %s,', (sync) => {
  let home: House
  let others: Load
  let outcomes: Map<string, Outcome>
  beforeAll(async () => {
    const routes = rails.flatMap((rail) =>
      ['/plain', '/stream', '/broken'].map((path) => ({
        path: `/${rail}${path}`,
        price: '0.01',
        rails: [rail],
      })),
    )
    home = await house({
      sync,
      routes: [
        ...routes,
        { path: '/channel', price: '0.01', rails: ['channel'] },
        { path: '/opening', price: '0.01', rails: ['channel'] },
        ...load.routes,
      ],
      override: { settlement: { threshold: '100', maxAgeSeconds: 86_400, everyMs: 60_000 } },
    })
    await home.start('stopping')
    others = await load(home)
    outcomes = await killAt(home, all)
  })
  afterAll(() => home?.close())

  describe.each(rails)('killed while a call paid by its %s is', (paid) => {
    test.each(all.filter(({ rail }) => rail === paid))('behavior: $step', ({ name, becomes }) => {
      expect(outcomes.get(name)).toEqual(becomes)
    })
  })

  describe('killed while a channel is opened for its payer', () => {
    test.each(openings)('behavior: $step', async ({ step, at }) => {
      const told = await killAt(home, [{ name: step, rail: 'opening', path: '/opening', at }])
      expect(told.get(step)).toEqual(answered(1))
    })
  })

  describe('after all of it', () => {
    test('default: what others hold a receipt for is booked, and books and chain agree', async () => {
      await others.end()
      await others.check()
      expect(await home.audit()).toBe('All holds.')
    })
  })
})

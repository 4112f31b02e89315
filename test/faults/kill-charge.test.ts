import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type House, house } from './house.ts'
import { type Load, load } from './load.ts'
import { type Case, killAt, type Outcome } from './round.ts'

/**
 * The real process, killed with SIGKILL at each step of a charge in each order of settlement, while others call. After the
 * restart the caller sends its credential again: it is answered, or has credit, and has paid at most once.
 */

const done = (operation: string) => ({ when: 'after', operation }) as const
const about = (operation: string) => ({ when: 'before', operation }) as const
const answered = (runs: number): Outcome => ({ told: 'answer', runs, paid: 1, moved: 1 })
const credited = (runs: number): Outcome => ({ told: 'payment-credited', runs, paid: 0, moved: 1 })

type Step = Pick<Case, 'at' | 'last'> & { step: string; becomes: Outcome; path?: string; rail?: Case['rail'] }
const steps: Record<'before-call' | 'before-release' | 'after', Step[]> = {
  'before-call': [
    { step: 'held', at: done('claim'), becomes: answered(1) },
    { step: 'settling, nothing signed', at: done('settling'), becomes: answered(1) },
    { step: 'mined, not booked', at: about('settled'), becomes: credited(0) },
    { step: 'settled, not called', at: done('settled'), becomes: credited(0) },
    { step: 'delivering', at: 'called', becomes: credited(1) },
    { step: 'answered to us, not kept', at: about('storeAnswer'), becomes: credited(1) },
    { step: 'kept, not delivered', at: done('storeAnswer'), becomes: answered(1) },
    { step: 'delivered, not answered', at: done('complete'), becomes: answered(1) },
    { step: 'failed, not made good', at: about('refund'), path: '/status/500', becomes: credited(1) },
    { step: 'made good, not told', at: done('refund'), path: '/status/500', becomes: credited(1) },
    { step: 'inside a stream', at: 'first-byte', path: '/stream', becomes: credited(1) },
  ],
  'before-release': [
    { step: 'held', at: done('claim'), becomes: answered(1) },
    { step: 'delivering', at: 'called', becomes: answered(2) },
    { step: 'answered to us, not kept', at: about('settling'), becomes: answered(2) },
    { step: 'settling, nothing signed', at: done('settling'), becomes: answered(1) },
    { step: 'mined, not booked', at: about('settled'), becomes: answered(1) },
    { step: 'settled, not answered', at: done('settled'), becomes: answered(1) },
    { step: 'inside a stream', at: 'first-byte', path: '/stream', becomes: credited(1) },
    {
      step: 'stream ended, not booked',
      at: about('complete'),
      path: '/stream',
      becomes: credited(1),
    },
  ],
  after: [
    { step: 'held', at: done('claim'), becomes: answered(1) },
    { step: 'delivering', at: 'called', becomes: answered(2) },
    { step: 'answered to us, not kept', at: about('settling'), becomes: answered(2) },
    { step: 'kept, not delivered', at: done('settling'), becomes: answered(1) },
    { step: 'delivered, not settled', at: done('complete'), becomes: answered(1) },
    { step: 'mined, not booked', at: about('settled'), becomes: answered(1) },
    { step: 'settled', at: done('settled'), becomes: answered(1) },
  ],
}
const all = Object.entries(steps).flatMap(([order, list]) =>
  list.map(({ step, path, becomes, ...rest }, index) => ({
    ...rest,
    order,
    step,
    becomes,
    name: `${order}-${step}`,
    rail: index % 2 === 0 ? ('mpp' as const) : ('x402' as const),
    path: `/${order}${path ?? '/plain'}`,
  })),
)

let home: House
let others: Load
let outcomes: Map<string, Outcome>
beforeAll(async () => {
  const routes = Object.keys(steps).flatMap((settle) =>
    ['/plain', '/status/500', '/stream'].map((path) => ({
      path: `/${settle}${path}`,
      price: '0.01',
      settle: settle as keyof typeof steps,
    })),
  )
  home = await house({ routes: [...routes, ...load.routes] })
  await home.start('stopping')
  others = await load(home)
  outcomes = await killAt(home, all)
})
afterAll(() => home?.close())

describe.each(Object.keys(steps))('killed while a charge settled %s is', (order) => {
  test.each(all.filter((one) => one.order === order))('behavior: $step', ({ name, becomes }) => {
    expect(outcomes.get(name)).toEqual(becomes)
  })
})

describe('after all of it', () => {
  test('default: what others hold a receipt for is booked, and books and chain agree', async () => {
    await others.end()
    await others.check()
    expect(await home.audit()).toBe('All holds.')
  })
})

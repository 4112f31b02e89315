import { describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../gateway/clock.ts'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import type { Trail } from '../../gateway/ledger/Trail.ts'
import { createAuditSchedule } from '../../gateway/settlement/audit-schedule.ts'
import type { Difference } from '../../gateway/settlement/Difference.ts'
import { confirmed, type Findings, judge, transition } from '../../gateway/settlement/drift.ts'

const gift: Difference = { kind: 'transfer', subject: '0x01', text: 'A gift.', gift: true }
const missing: Difference = { kind: 'transfer', subject: '0x02', text: 'A payout that nobody knows.' }
const channel: Difference = { kind: 'channel', subject: '0x03', text: 'Settled 5 and 4.' }
const none = new Set<string>()

describe('judge', () => {
  test('default: nothing found is no drift', () => {
    expect(judge({ violations: [], differences: [] }, none)).toEqual({
      drift: false,
      stop: false,
      reasons: [],
    })
  })

  test('behavior: a broken law, a broken trail or a difference stops the sale, and each is named', () => {
    expect(judge({ violations: ['law'], differences: [] }, none)).toMatchObject({
      stop: true,
      reasons: ['law'],
    })
    expect(judge({ violations: [], differences: [channel] }, none)).toMatchObject({ drift: true, stop: true })
  })

  test('behavior: dust that a stranger sends is an alarm, and closes no shop', () => {
    expect(judge({ violations: [], differences: [gift] }, none)).toEqual({
      drift: true,
      stop: false,
      reasons: ['A gift.'],
    })
    expect(judge({ violations: [], differences: [gift, missing] }, none).stop).toBe(true)
  })

  test('behavior: what an operator has accepted counts no more', () => {
    const accepted = new Set([missing.subject])
    expect(judge({ violations: [], differences: [missing] }, accepted).drift).toBe(false)
    expect(judge({ violations: [], differences: [missing, channel] }, accepted).reasons).toEqual([
      channel.text,
    ])
  })
})

describe('confirmed', () => {
  test('default: what both looks found stays, in the words of the later one', () => {
    const later = { ...channel, text: 'Settled 6 and 5.' }
    expect(confirmed([gift, channel], [missing, later])).toEqual([later])
  })

  test('behavior: a settlement that was on its way into the books is none', () => {
    expect(confirmed([channel], [])).toEqual([])
  })
})

describe('transition', () => {
  test('default: stops once, resumes once', () => {
    expect(transition({ stop: false }, { stop: true })).toBe('stop')
    expect(transition({ stop: true }, { stop: true })).toBe('none')
    expect(transition({ stop: true }, { stop: false })).toBe('resume')
    expect(transition({ stop: false }, { stop: false })).toBe('none')
  })
})

describe('createAuditSchedule', () => {
  /** A trail in memory: what is noted is read again. */
  function trail(): Pick<Ledger, 'note' | 'notes'> & { said: string[] } {
    const kept: Trail.NoteRead[] = []
    return {
      said: [],
      async note({ kind, subject = '', body = {} }) {
        kept.unshift({ kind, subject, body, seq: kept.length + 1, at: 0 })
        this.said.push(kind)
      },
      notes: async (kind, limit = 1) => kept.filter((one) => one.kind === kind).slice(0, limit),
    }
  }
  const clean: Findings = { violations: [], differences: [] }
  function schedule(ledger: Pick<Ledger, 'note' | 'notes'>, found: { now: Findings | Error }) {
    const events: string[] = []
    const audits = createAuditSchedule({
      ledger,
      report: (level, event) => void events.push(`${level} ${event}`),
      audit: async () => {
        if (found.now instanceof Error) throw found.now
        return { ...found.now, head: '1:ab' }
      },
      clock: systemClock,
      everyMs: 0,
      eager: false,
    })
    return { audits, events }
  }

  test('default: alarms on drift by a stable name, stops, and resumes once an audit is clean', async () => {
    const ledger = trail()
    const found: { now: Findings } = { now: clean }
    const { audits, events } = schedule(ledger, found)
    await audits.tick()
    expect(audits.state()).toEqual({ drift: false, stopped: false, alarms: 0 })
    found.now = { violations: [], differences: [missing] }
    await audits.tick()
    await audits.tick()
    expect(audits.state()).toEqual({ drift: true, stopped: true, alarms: 2 })
    found.now = clean
    await audits.tick()
    expect(audits.state()).toEqual({ drift: false, stopped: false, alarms: 2 })
    expect(events).toEqual([
      'info audit-clean',
      'error audit-drift',
      'error routes-stopped',
      'error audit-drift',
      'info audit-clean',
      'info routes-resumed',
    ])
    expect(ledger.said.filter((kind) => kind !== 'audit-ran')).toEqual(['routes-stopped', 'routes-resumed'])
  })

  test('behavior: a restart does not open what a drift has stopped', async () => {
    const ledger = trail()
    await schedule(ledger, { now: { violations: ['law'], differences: [] } }).audits.tick()
    const { audits } = schedule(ledger, { now: clean })
    await audits.start()
    expect(audits.state()).toMatchObject({ drift: true, stopped: true })
    await audits.tick()
    expect(audits.state()).toMatchObject({ drift: false, stopped: false })
    const third = schedule(ledger, { now: clean }).audits
    await third.start()
    expect(third.state().stopped).toBe(false)
  })

  test('behavior: an audit that could not be made changes nothing', async () => {
    const ledger = trail()
    const found: { now: Findings | Error } = { now: { violations: ['law'], differences: [] } }
    const { audits } = schedule(ledger, found)
    await audits.tick()
    found.now = new Error('The node does not answer.')
    await expect(audits.tick()).rejects.toThrow(/node/)
    expect(audits.state()).toMatchObject({ drift: true, stopped: true })
  })

  /** Audits once a minute, each of which takes so long; `found` says what the next one finds. */
  function slow(found: { now: Findings | Error; tookMs: number }) {
    const begun: number[] = []
    const audits = createAuditSchedule({
      ledger: trail(),
      report: () => {},
      audit: async () => {
        begun.push(Date.now())
        await new Promise((done) => setTimeout(done, found.tookMs))
        if (found.now instanceof Error) throw found.now
        return { ...found.now, head: '1:ab' }
      },
      clock: { now: () => Date.now() },
      everyMs: 60_000,
      eager: true,
    })
    return { audits, begun }
  }
  const minute = 60_000

  test('behavior: on books that take long to read it audits for a tenth of the time, whether or not it could be asked', async () => {
    vi.useFakeTimers({ now: 0 })
    try {
      const found: { now: Findings | Error; tookMs: number } = { now: clean, tookMs: 10 * minute }
      const { audits, begun } = slow(found)
      await audits.start()
      await vi.advanceTimersByTimeAsync(50 * minute)
      Object.assign(found, { now: new Error('The node does not answer.'), tookMs: 20 * minute })
      await vi.advanceTimersByTimeAsync(80 * minute)
      // The one that took 20 minutes, and failed, is rested for; short ones come as often as was asked.
      Object.assign(found, { now: clean, tookMs: 1_000 })
      await vi.advanceTimersByTimeAsync(172 * minute)
      expect(begun).toEqual([0, 100 * minute, 300 * minute, 301 * minute + 1_000])
      await audits.stop()
    } finally {
      vi.useRealTimers()
    }
  })

  test('behavior: while routes are stopped the next audit is not put off', async () => {
    vi.useFakeTimers({ now: 0 })
    try {
      const found: { now: Findings; tookMs: number } = {
        now: { violations: ['law'], differences: [] },
        tookMs: 10 * minute,
      }
      const { audits, begun } = slow(found)
      await audits.start()
      await vi.advanceTimersByTimeAsync(12 * minute)
      expect(audits.state().stopped).toBe(true)
      expect(begun).toEqual([0, 11 * minute])
      found.now = clean
      await vi.advanceTimersByTimeAsync(10 * minute)
      expect(audits.state().stopped).toBe(false)
      await audits.stop()
    } finally {
      vi.useRealTimers()
    }
  })

  test('behavior: a clock that was set ahead meanwhile puts the next audit off by a day at most', async () => {
    vi.useFakeTimers({ now: 0 })
    try {
      const found = { now: clean, tookMs: 1_000 }
      const { audits, begun } = slow(found)
      await audits.start()
      vi.setSystemTime(365 * 24 * 60 * minute)
      await vi.advanceTimersByTimeAsync(24 * 60 * minute + 2_000)
      expect(begun).toHaveLength(2)
      await audits.stop()
    } finally {
      vi.useRealTimers()
    }
  })
})

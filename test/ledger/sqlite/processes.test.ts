import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setImmediate } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { describe, expect, onTestFinished, test } from 'vitest'
import * as Account from '../../../gateway/ledger/Account.ts'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import {
  alice,
  asset,
  balanceClaim,
  channelId,
  openChannel,
  signature,
  topUp,
  violations,
} from '../fixtures.ts'
import { testFolder } from '../test-folder.ts'

/** Starts a script of this folder, and reads its lines. */
function start(
  script: string,
  ...args: string[]
): { child: ChildProcessWithoutNullStreams; lines: AsyncIterable<string> } {
  const child = spawn(process.execPath, [join(import.meta.dirname, script), ...args])
  onTestFinished(() => void child.kill('SIGKILL'))
  child.stderr.pipe(process.stderr)
  return { child, lines: createInterface({ input: child.stdout }) }
}

describe('a gateway that is killed', () => {
  test.each([50, 400, 1_500])(
    'behavior: after %i operations, everything it acknowledged is in the books (durable before it is relied on)',
    async (operations) => {
      const path = join(testFolder(), 'ledger.sqlite')
      const first = await openSqliteLedger({ path })
      await topUp(first, alice, 10n ** 6n)
      await openChannel(first, 10n ** 6n)
      await first.close()

      const { child, lines } = start('pay-forever.ts', path)
      const acknowledged = new Map<string, string>()
      let seen = 0
      for await (const line of lines) {
        const [state = '', id = ''] = line.split(' ')
        acknowledged.set(id, state)
        seen += 1
        if (seen === operations) child.kill('SIGKILL')
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      expect(child.signalCode).toBe('SIGKILL')

      const ledger = await openSqliteLedger({ path })
      onTestFinished(() => ledger.close())
      for (const [id, state] of acknowledged) {
        const money = (await ledger.payment({ id }))?.money
        // What was acknowledged as held may have gone on; nothing may have gone back.
        expect(state === 'held' ? ['held', 'captured', 'void'] : [state], id).toContain(money)
      }
      expect(await violations(ledger)).toEqual([])
      const database = new Database(path, { readonly: true })
      const segments = database.prepare('SELECT segment FROM history').all()
      database.close()
      // It was not killed before it had rolled up anything.
      expect(segments.length).toBeGreaterThanOrEqual(operations < 1_500 ? 0 : 1)
      for (const payment of await ledger.openPayments(1_000)) await ledger.void(payment.id, 'recovered')
      expect((await ledger.channel(channelId))?.reserved).toBe(0n)
      expect(await violations(ledger)).toEqual([])
    },
  )
})

describe('several gateways on one file', () => {
  test('behavior: three processes racing for each key: one has it, two are told so', async () => {
    const path = join(testFolder(), 'ledger.sqlite')
    // Nobody has made the file yet: opening it is part of the race.
    const racers = ['a', 'b', 'c'].map((name) => start('race-for-keys.ts', path, name))
    const outcomes = new Map<string, string[]>()
    let ready = 0
    await Promise.all(
      racers.map(async ({ lines }) => {
        for await (const line of lines) {
          if (line === 'ready') {
            ready += 1
            if (ready < racers.length) continue
            const ledger = await openSqliteLedger({ path })
            await topUp(ledger, alice, 1_000n)
            await ledger.close()
            for (const { child } of racers) child.stdin.write('go\n')
            continue
          }
          const [key = '', outcome = ''] = line.split(' ')
          outcomes.set(key, [...(outcomes.get(key) ?? []), outcome])
        }
      }),
    )
    expect(outcomes.size).toBe(100)
    for (const [key, each] of outcomes) expect(each.sort(), key).toEqual(['fresh', 'replayed', 'replayed'])
    const ledger = await openSqliteLedger({ path })
    expect(await ledger.balance(Account.wallet(alice), asset)).toEqual({ posted: 1_000n, available: 900n })
    expect(await violations(ledger)).toEqual([])
    await ledger.close()
  })

  test('behavior: what one wrote the other reads at once, and credit is not spent twice', async () => {
    const path = join(testFolder(), 'ledger.sqlite')
    const [one, two] = [await openSqliteLedger({ path }), await openSqliteLedger({ path })]
    await topUp(one, alice, 10n)
    const results = await Promise.all([
      one.claim(balanceClaim('a', { amount: 10n })),
      two.claim(balanceClaim('b', { amount: 10n })),
    ])
    expect(results.map(({ outcome }) => outcome).sort()).toEqual(['fresh', 'insufficient'])
    expect((await two.openPayments(9)).length).toBe(1)
    await Promise.all([one.close(), two.close()])
  })

  test('behavior: what is read before a write is read anew in each turn, however often (an old balance is offered to nobody)', async () => {
    const path = join(testFolder(), 'ledger.sqlite')
    const [one, two] = [await openSqliteLedger({ path }), await openSqliteLedger({ path })]
    await openChannel(one)
    for (const cumulative of [10n, 20n, 30n]) {
      await two.channel(channelId)
      await two.channel(channelId)
      await setImmediate()
      await one.acceptVoucher({ channelId, cumulative, signature, minDelta: 0n, now: 1 })
      await setImmediate()
      expect((await two.channel(channelId))?.accepted).toBe(cumulative)
    }
    await Promise.all([one.close(), two.close()])
  })
})

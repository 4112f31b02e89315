import { expect, onTestFinished, test } from 'vitest'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { bob, channelClaim, openChannel } from '../fixtures.ts'
import { testFolder } from '../test-folder.ts'

const other = `0x${'c2'.repeat(32)}` as const

/** What was answered, in its order: a claim, and what was asked while its group was committed and not durable yet. */
async function order(kept: 'kept in memory' | 'in the file'): Promise<string[]> {
  const path = `${testFolder()}/ledger.sqlite`
  const before = await openSqliteLedger({ path })
  await openChannel(before)
  await openChannel(before, 1_000n, other, bob)
  await before.claim(channelClaim('earlier', 10n))
  await before.close()

  let isCommitting = false
  const answered: string[] = []
  const asked: Promise<unknown>[] = []
  const clock = {
    now() {
      // The event of a group that writes the tables is stamped in its transaction, and nothing runs between that and COMMIT.
      if (isCommitting) queueMicrotask(ask)
      isCommitting = false
      return 1_700_000_000_000
    },
  }
  const ledger = await openSqliteLedger({ path, clock, sync: 'beside', fold: { groups: 0, most: 0 } })
  onTestFinished(() => ledger.close())
  if (kept === 'kept in memory') await ledger.channel(other)
  const note = (name: string, answer: Promise<unknown>) =>
    asked.push(answer.then((found) => answered.push(found === null ? `no ${name}` : name)))
  function ask() {
    note('payment', ledger.payment({ id: 'earlier' }))
    note('channel', ledger.channel(other))
  }
  isCommitting = true
  note('claim', ledger.claim(channelClaim('later', 20n)))
  // Once the claim is answered, the others have been asked.
  await asked[0]
  await Promise.all(asked)
  return answered
}

test.each(['kept in memory', 'in the file'] as const)(
  'behavior: a channel (%s) is read beside a group that the disk has not confirmed, a payment is not (a power cut could unsay it)',
  async (kept) => {
    expect(await order(kept)).toEqual(['channel', 'claim', 'payment'])
  },
)

import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import type { Channel } from '../../../gateway/ledger/Channel.ts'
import { page, walk } from '../../../gateway/ledger/sqlite/channels/walk.ts'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { alice, asset, balanceClaim, channelClaim, channelId, openChannel, topUp } from '../fixtures.ts'
import { testFolder } from '../test-folder.ts'

test('behavior: a channel that moves on during a walk is found once, as it was last (one batch settles it once)', async () => {
  const ledger = await openSqliteLedger({ path: `${testFolder()}/ledger.sqlite` })
  await openChannel(ledger)
  const earlier = (await ledger.channel(channelId)) as Channel
  const later: Channel = { ...earlier, spent: 5n }
  const pages = [
    { channels: [earlier], next: { at: 1, id: channelId } },
    { channels: [later], next: null },
  ]
  expect(await walk(async ({ at }) => pages[at === -1 ? 0 : 1] ?? { channels: [], next: null })).toEqual([
    later,
  ])
  await ledger.close()
})

test('behavior: what waits is written once for a walk, and not for each of its pages (calls beside it would cost twice as much)', async () => {
  const path = `${testFolder()}/ledger.sqlite`
  const fold = { groups: 1_000, most: 1_000_000, idleMs: 0 }
  const ledger = await openSqliteLedger({ path, fold })
  onTestFinished(() => ledger.close())
  await topUp(ledger, alice, 1_000n)
  await openChannel(ledger)
  await ledger.claim(channelClaim('spends', 10n))
  await ledger.capture({ paymentId: 'spends', amount: 10n })
  const due = () => ledger.dueChannels({ before: Number.MAX_SAFE_INTEGER, least: null })
  expect(await due()).toHaveLength(1)

  const file = new Database(path)
  onTestFinished(() => void file.close())
  const columns = (file.pragma('table_info(channels)') as { name: string }[])
    .map(({ name }) => name)
    .filter((name) => name !== 'id')
    .join()
  file.exec(`
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${20 * page})
    INSERT INTO channels (id, ${columns}) SELECT printf('0x%064x', i), ${columns} FROM n, channels WHERE id = '${channelId}'`)
  const written = () => file.prepare('SELECT count(*) FROM payments').pluck().get()

  const before = written()
  const [channels] = await Promise.all([due(), ledger.claim(balanceClaim('beside'))])
  expect(channels).toHaveLength(20 * page + 1)
  expect(written()).toBe(before)
  expect(await ledger.balance(`wallet:${alice}`, asset)).toMatchObject({ available: 990n })
  expect(await due()).toHaveLength(20 * page + 1)
  expect(written()).toBe(Number(before) + 1)
})

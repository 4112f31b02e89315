import Database from 'better-sqlite3'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Channel } from '../../../gateway/ledger/Channel.ts'
import type { Ledger } from '../../../gateway/ledger/Ledger.ts'
import { page, walk } from '../../../gateway/ledger/sqlite/channels/walk.ts'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import {
  alice,
  balanceClaim,
  chainId,
  channelClaim,
  channelId,
  openChannel,
  payee,
  topUp,
} from '../fixtures.ts'
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
  const read = async ({ at }: { at: number }) => pages[at === -1 ? 0 : 1] ?? { channels: [], next: null }
  expect(await walk([read])).toEqual([later])
  expect(await walk([async () => ({ channels: [earlier], next: null }), read])).toEqual([later])
  await ledger.close()
})

describe('a walk of many pages, with calls beside it', () => {
  const pages = 20
  let ledger: Ledger
  let file: Database.Database
  // Nothing is written to its table before somebody asks.
  beforeEach(async () => {
    const path = `${testFolder()}/ledger.sqlite`
    ledger = await openSqliteLedger({ path, fold: { groups: 1_000, most: 1_000_000, idleMs: 0 } })
    onTestFinished(() => ledger.close())
    await topUp(ledger, alice, 1_000n)
    await openChannel(ledger)
    await spend('first', 10n)
    expect(await due()).toMatchObject([{ id: channelId, spent: 10n }])
    file = new Database(path)
    onTestFinished(() => void file.close())
    const columns = (file.pragma('table_info(channels)') as { name: string }[])
      .map(({ name }) => name)
      .filter((name) => name !== 'id')
      .join()
    // All like the one above, and before it in every order.
    file.exec(`
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${pages * page})
      INSERT INTO channels (id, ${columns})
      SELECT printf('0x%064x', i), ${columns} FROM n, channels WHERE id = '${channelId}'`)
  })
  const due = () => ledger.dueChannels({ before: Number.MAX_SAFE_INTEGER, least: null })
  const dueBySize = () => ledger.dueChannels({ before: -1, least: 1n })
  const open = () => ledger.openChannels({ chainId, escrow: payee })
  const written = () => file.prepare<[], number>('SELECT count(*) FROM payments').pluck().get()
  async function spend(id: string, cumulative: bigint): Promise<void> {
    await ledger.claim(channelClaim(id, cumulative, { amount: 10n }))
    await ledger.capture({ paymentId: id, amount: 10n, complete: true })
  }

  test.each([
    ['dueChannels', due],
    ['dueChannels by size', dueBySize],
    ['openChannels', open],
  ])(
    'behavior: %s writes what waits once, not for each page (calls beside it would cost twice as much)',
    async (_, walked) => {
      const before = written() ?? 0
      const [channels] = await Promise.all([walked(), ledger.claim(balanceClaim('beside'))])
      expect(channels).toHaveLength(pages * page + 1)
      expect(written()).toBe(before)
      await walked()
      expect(written()).toBe(before + 1)
    },
  )

  test.each([
    ['dueChannels', due],
    ['dueChannels by size', dueBySize],
    ['openChannels', open],
  ])(
    'behavior: %s gives a channel as it is, also where its table is older (a settled one would look as if the books were old)',
    async (_, walked) => {
      const [channels] = await Promise.all([walked(), spend('beside', 20n)])
      expect(written()).toBe(2)
      expect(channels.at(-1)).toMatchObject({ id: channelId, spent: 20n })
    },
  )

  test.each([
    ['dueChannels', due],
    ['dueChannels by size', dueBySize],
    ['openChannels', open],
  ])('behavior: %s gives no channel that was closed meanwhile', async (_, walked) => {
    const [channels] = await Promise.all([walked(), ledger.channelFinalized(channelId)])
    expect(channels).toHaveLength(pages * page)
  })
})

import { expect, test } from 'vitest'
import type { Channel } from '../../../gateway/ledger/Channel.ts'
import { walk } from '../../../gateway/ledger/sqlite/channels/walk.ts'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { channelId, openChannel } from '../fixtures.ts'
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

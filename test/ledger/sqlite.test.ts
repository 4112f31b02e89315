import { join } from 'node:path'
import { openSqliteLedger } from '../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { behaviour } from './behaviour.ts'
import { testFolder } from './test-folder.ts'

for (const sync of ['in-commit', 'beside', 'small-at-once'] as const)
  behaviour(`openSqliteLedger, the disk waited for ${sync}`, (clock) =>
    openSqliteLedger({ path: join(testFolder(), 'ledger.sqlite'), clock, sync }),
  )

// Everything goes through the journal: rows are written when somebody reads tables, or when so many operations wait.
for (const most of [3, 1_000_000])
  behaviour(`openSqliteLedger, a journal of ${most} operations`, (clock) =>
    openSqliteLedger({
      path: join(testFolder(), 'ledger.sqlite'),
      clock,
      fold: { groups: Number.POSITIVE_INFINITY, most, idleMs: 0 },
    }),
  )

// What has ended goes into the history whenever a history says so, however little it is.
behaviour('openSqliteLedger, whatever is old moved at once', (clock) =>
  openSqliteLedger({ path: join(testFolder(), 'ledger.sqlite'), clock, history: { least: 1 } }),
)

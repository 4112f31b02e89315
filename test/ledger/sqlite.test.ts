import { join } from 'node:path'
import { openSqliteLedger } from '../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { behaviour } from './behaviour.ts'
import { testFolder } from './test-folder.ts'

for (const sync of ['in-commit', 'beside'] as const)
  behaviour(`openSqliteLedger, the disk waited for ${sync}`, (clock) =>
    openSqliteLedger({ path: join(testFolder(), 'ledger.sqlite'), clock, sync }),
  )

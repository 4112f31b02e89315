import { join } from 'node:path'
import { openSqliteLedger } from '../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { behaviour } from './behaviour.ts'
import { testFolder } from './test-folder.ts'

behaviour('openSqliteLedger', (clock) =>
  openSqliteLedger({ path: join(testFolder(), 'ledger.sqlite'), clock }),
)

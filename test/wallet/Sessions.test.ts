import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import { openSqliteLedger } from '../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import * as Session from '../../gateway/wallet/Session.ts'
import { createSessions } from '../../gateway/wallet/Sessions.ts'

const wallet = `0x${'1'.repeat(40)}` as const
const clock = { time: 1_000_000, now: () => clock.time }
let ledger: Ledger
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'farthing-sessions-'))
  ledger = await openSqliteLedger({ path: join(folder, 'ledger.sqlite'), clock })
})
afterAll(async () => {
  await ledger?.close()
  await rm(folder, { recursive: true, force: true })
})

async function opened(lastsMs = 60_000): Promise<string> {
  const token = Session.newToken()
  const createdAt = clock.now()
  const tokenHash = Session.hashToken(token)
  await ledger.createSession({ tokenHash, wallet, chainId: 1, createdAt, expiresAt: createdAt + lastsMs })
  return token
}

/** Sessions, and how often the books were asked. */
function counted() {
  let looks = 0
  const session: Ledger['session'] = (hash, now) => {
    looks += 1
    return ledger.session(hash, now)
  }
  const sessions = createSessions({ ledger: { session, endSession: ledger.endSession }, clock, most: 2 })
  return { sessions, looks: () => looks }
}

describe('createSessions', () => {
  test('default: a session is found, and looked up once for calls that follow at once', async () => {
    const { sessions, looks } = counted()
    const token = await opened()
    for (let call = 0; call < 3; call += 1) expect(await sessions.find(token)).toMatchObject({ wallet })
    expect(looks()).toBe(1)
  })

  test('behavior: signing out counts at once, also against a look that is under way', async () => {
    const { sessions } = counted()
    const token = await opened()
    await sessions.find(token)
    await sessions.end(token)
    expect(await sessions.find(token)).toBe(null)
    const other = await opened()
    await Promise.all([sessions.find(other), sessions.end(other)])
    expect(await sessions.find(other)).toBe(null)
  })

  test('behavior: what another process ended is followed within a second', async () => {
    const { sessions } = counted()
    const token = await opened()
    await sessions.find(token)
    await ledger.endSession(Session.hashToken(token))
    clock.time += 1_000
    expect(await sessions.find(token)).toBe(null)
  })

  test('behavior: it expires by the clock, remembered or not', async () => {
    const { sessions } = counted()
    const token = await opened(500)
    expect(await sessions.find(token)).not.toBe(null)
    clock.time += 500
    expect(await sessions.find(token)).toBe(null)
  })

  test('behavior: the memory is bounded, and what was not found is not remembered', async () => {
    const { sessions, looks } = counted()
    const tokens = [await opened(), await opened(), await opened()]
    for (const token of tokens) await sessions.find(token)
    await sessions.find(tokens[0] ?? '')
    expect(looks()).toBe(4)
    expect(await sessions.find('nobody')).toBe(null)
    expect(await sessions.find('nobody')).toBe(null)
    expect(looks()).toBe(6)
  })
})

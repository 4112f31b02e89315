import { randomBytes } from 'node:crypto'
import { parseAbi, parseEventLogs } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import * as Account from '../../gateway/ledger/Account.ts'
import * as Asset from '../../gateway/ledger/Asset.ts'
import type { Token } from '../../gateway/routes/Token.ts'
import { reconcile } from '../../gateway/settlement/reconcile.ts'
import { createWithdrawDesk } from '../../gateway/settlement/withdraw-desk.ts'
import { deployContract } from '../../scripts/deploy/deploy-token.ts'
import { DecisionError } from '../../scripts/withdrawals/DecisionError.ts'
import { operate, readCommand, UsageError } from '../../scripts/withdrawals/operate.ts'
import { createStage, must, type Stage } from '../settlement/stage.ts'
import { type LocalChain, startChain } from '../support/chain.ts'

/** A token that takes a fee of every transfer: the payout moved something other than was asked for, and a person decides. */

const abi = parseAbi([
  'function mint(address to, uint256 value)',
  'event Transfer(address indexed from, address indexed to, uint256 value)',
])
let local: LocalChain
let stage: Stage
beforeAll(async () => {
  local = await startChain({ accounts: 2 })
})
afterAll(() => local.close())
beforeEach(async () => {
  const walletClient = local.walletClient(must(local.accounts[1]))
  const { address: token } = await deployContract({
    walletClient,
    publicClient: local.publicClient,
    name: 'FeeToken',
  })
  stage = await createStage(local, { token: token.toLowerCase() as typeof token })
})
afterEach(async () => {
  const { ledger, chain, fromBlock, token } = stage
  expect((await reconcile({ ledger, chain, tokens: [token], fromBlock })).differences).toEqual([])
  const { laws, trail } = await ledger.audit()
  expect([...laws.flatMap(({ violations }) => violations), ...trail.violations]).toEqual([])
  await stage.close()
})

const asset = () => Asset.of(local.chainId, stage.token)
const posted = async (account: Account.Account) => (await stage.ledger.balance(account, asset())).posted
const context = () => {
  const { withdrawals, intentsFor, attempts } = stage.ledger
  const token = { address: stage.token, decimals: 0, symbol: 'FEE' } as Token
  return { withdrawals, intentsFor, attempts, chain: stage.chain, tokens: [token], now: stage.time.now }
}
const command = (words: string, options: { paid?: string; note?: string } = {}) =>
  operate(readCommand(words.split(' '), { all: false, reason: '', ...options }), context())

/** A wallet with credit of 10,000, and a withdrawal of 6,000 whose payout moved 5,940 to it and burnt 60. */
async function paidOtherwise() {
  const payer = must(local.accounts[1])
  const call = { address: stage.token, abi, functionName: 'mint', args: [stage.chain.payee, 10_000n] }
  const hash = await stage.write(payer, call)
  const receipt = await local.publicClient.getTransactionReceipt({ hash })
  const [log] = parseEventLogs({ abi, logs: receipt.logs })
  const { payment } = await stage.charge(payer, 10_000n)
  const place = { logIndex: must(log).logIndex, block: receipt.blockNumber, blockHash: receipt.blockHash }
  const ref = { chainId: local.chainId, transaction: hash, ...place }
  await stage.ledger.settled({ paymentId: payment.id, ref, deliver: 'credit' })
  const id = `wd_${randomBytes(16).toString('base64url')}`
  const limits = { perWallet: 10n ** 9n, total: 10n ** 9n, since: 0, holdAbove: 10n ** 9n }
  const parties = { wallet: payer.address, to: payer.address, asset: asset(), amount: 6_000n, limits }
  await stage.ledger.withdrawals.request({ id, key: id, nonce: null, ...parties, now: stage.time.now })
  const desk = createWithdrawDesk({ ledger: stage.ledger, chain: stage.chain, clock: stage.clock })
  await desk.tick()
  expect(must(await stage.ledger.withdrawals.withdrawal(id))).toMatchObject({
    state: 'unknown',
    reason: 'moved-otherwise',
  })
  // However often it is looked at, nobody moves it on.
  await desk.tick()
  return { id, wallet: Account.wallet(payer.address) }
}

describe('./run withdrawals held, resolve', () => {
  test('default: what has left counts as paid; the wallet bears the fee; the trail has the note and the transfers', async () => {
    const { id, wallet } = await paidOtherwise()
    expect(await command('held')).toContain(id)
    await expect(command(`resolve ${id}`)).rejects.toThrow(/moved 6000 FEE away.*at most 6000 FEE/)
    const said = await command(`resolve ${id}`, { paid: '6000', note: 'Its token takes a fee.' })
    expect(said).toContain('is paid: 6000 FEE counts as paid')
    expect(await stage.ledger.withdrawals.withdrawal(id)).toMatchObject({ state: 'paid' })
    expect(await posted(wallet)).toBe(4_000n)
    expect(await posted(Account.treasury)).toBe(-4_000n)
    expect(await command('held')).toBe('Nothing waits for an operator.\n')
    const [note] = await stage.ledger.notes('withdrawal-resolved')
    expect(note).toMatchObject({ subject: id, body: { note: 'Its token takes a fee.', paid: '6000' } })
  })

  test('behavior: only what arrived counts: the rest is credit again, and our loss', async () => {
    const { id, wallet } = await paidOtherwise()
    await command(`resolve ${id}`, { paid: '5940', note: 'We bear the fee.' })
    expect(await posted(wallet)).toBe(4_060n)
    expect(await posted(Account.loss)).toBe(-60n)
    expect(await posted(Account.treasury)).toBe(-4_000n)
  })

  test('behavior: nothing counts: it failed, all of it is credit again, and what left is lost', async () => {
    const { id, wallet } = await paidOtherwise()
    await command(`resolve ${id}`, { paid: '0', note: 'The token sent it elsewhere.' })
    expect(await stage.ledger.withdrawals.withdrawal(id)).toMatchObject({
      state: 'failed',
      transaction: null,
    })
    expect(await posted(wallet)).toBe(10_000n)
    expect(await posted(Account.loss)).toBe(-6_000n)
  })

  test('error: twice, more than there is, without a note, and what needs nobody', async () => {
    const { id, wallet } = await paidOtherwise()
    await expect(command(`resolve ${id}`, { paid: '6001', note: 'x' })).rejects.toThrow(DecisionError)
    await expect(command(`resolve ${id}`, { paid: '10' })).rejects.toThrow(DecisionError)
    await command(`resolve ${id}`, { paid: '6000', note: 'once' })
    await expect(command(`resolve ${id}`, { paid: '1', note: 'twice' })).rejects.toThrow(/too late/)
    expect(await posted(wallet)).toBe(4_000n)
    const none = `wd_${'A'.repeat(22)}`
    await expect(command(`resolve ${none}`, { paid: '1', note: 'x' })).rejects.toThrow(
      /There is no withdrawal/,
    )
    expect(() => readCommand(['held', 'x'], { all: false, reason: '' })).toThrow(UsageError)
  })
})

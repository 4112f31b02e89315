import { readFile, writeFile } from 'node:fs/promises'
import { type Hex, zeroAddress } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, describe, expect, test } from 'vitest'
import { tracedGas } from './utils/execution-gas.ts'
import { createGasStage, DEPOSIT, type Gas, payee, payer } from './utils/gas-stage.ts'

// What each operation costs on the simulated chain, in transactions of its own, compared with contracts/snapshots/gas.json.
// After an intended change: UPDATE_GAS=1 npx vitest run test/contracts/gas.test.ts

const file = new URL('../../contracts/snapshots/gas.json', import.meta.url)
const update = process.env.UPDATE_GAS === '1'
const measured: Record<string, Gas> = {}
const { token, send, read, nextSalt, openChannel, voucher, settlements, authorization, ...stage } =
  await createGasStage()
const forever = 2n ** 48n

afterAll(async () => {
  if (update) await writeFile(file, `${JSON.stringify(measured, null, 2)}\n`)
  await stage.close()
})

const execution = (name: string) => measured[name]?.execution ?? Number.NaN

describe('gas', () => {
  test('default: a plain ERC-20 transfer, to compare with', async () => {
    measured['ERC-20 transfer'] = await send(payer, 'token', 'transfer', payee.address, 5n)
  })

  test('default: open', async () => {
    const open = (signer: string) =>
      send(payer, 'escrow', 'open', payee.address, token, DEPOSIT, nextSalt(), signer)
    measured.open = await open(zeroAddress)
    measured['open, delegated signer'] = await open(payee.address)
  })

  test('default: openWithAuthorization', async () => {
    const salt = nextSalt()
    const nonce = await read<Hex>('computeOpenNonce', payer.address, payee.address, token, salt, zeroAddress)
    const channel = [payee.address, token, DEPOSIT, salt, zeroAddress]
    const signed = [payer.address, 0n, forever, nonce, await authorization(DEPOSIT, nonce)]
    measured.openWithAuthorization = await send(
      payee,
      'escrow',
      'openWithAuthorization',
      ...channel,
      ...signed,
    )
  })

  test('default: topUp and topUpWithAuthorization', async () => {
    const id = await openChannel()
    measured.topUp = await send(payer, 'escrow', 'topUp', id, 5n)
    const salt = nextSalt()
    const nonce = await read<Hex>('computeTopUpNonce', id, 5n, payer.address, salt)
    const args = [id, 5n, payer.address, salt, 0n, forever, nonce, await authorization(5n, nonce)]
    measured.topUpWithAuthorization = await send(payee, 'escrow', 'topUpWithAuthorization', ...args)
  })

  test('default: settle, first and again', async () => {
    const id = await openChannel()
    measured.settle = await send(payee, 'escrow', 'settle', id, 5n, await voucher(id, 5n))
    measured['settle, again'] = await send(payee, 'escrow', 'settle', id, 9n, await voucher(id, 9n))
  })

  test.each([1, 10, 50])('default: settleBatch of %i', async (size) => {
    const batch = await settlements(size)
    measured[`settleBatch of ${size}`] = await send(payee, 'escrow', 'settleBatch', token, batch)
  })

  test('default: settleBatch of 10, to a payee who never had the token', async () => {
    const newcomer = privateKeyToAccount(generatePrivateKey())
    await stage.fund(newcomer.address)
    const batch = await settlements(10, newcomer.address)
    measured['settleBatch of 10, first payout ever'] = await send(
      newcomer,
      'escrow',
      'settleBatch',
      token,
      batch,
    )
  })

  test('default: close, with a voucher and without', async () => {
    const id = await openChannel()
    measured.close = await send(payee, 'escrow', 'close', id, 5n, await voucher(id, 5n))
    measured['close, forfeit'] = await send(payee, 'escrow', 'close', await openChannel(), 0n, '0x')
  })

  test('default: requestClose and withdraw', async () => {
    const id = await openChannel()
    measured.requestClose = await send(payer, 'escrow', 'requestClose', id)
    await stage.later(900)
    measured.withdraw = await send(payer, 'escrow', 'withdraw', id)
  })

  test('behavior: a batch of 10 uses at most 160,000 gas, signatures and payout included', () => {
    expect(execution('settleBatch of 10')).toBeLessThanOrEqual(160_000)
    expect(execution('settleBatch of 10, first payout ever')).toBeLessThanOrEqual(160_000)
  })

  test('behavior: each further channel of a batch uses at most 13,500 gas', () => {
    const few = (execution('settleBatch of 10') - execution('settleBatch of 1')) / 9
    const many = (execution('settleBatch of 50') - execution('settleBatch of 10')) / 40
    expect(Math.max(few, many)).toBeLessThanOrEqual(13_500)
  })

  test('behavior: a channel of a batch reads one cold slot and changes it', async () => {
    const count = async (size: number) => {
      await send(payee, 'escrow', 'settleBatch', token, await settlements(size))
      const steps = await stage.trace()
      const cold = steps.filter(({ op, gasCost }) => op === 'SLOAD' && gasCost === 2_100).length
      return { cold, written: steps.filter(({ op }) => op === 'SSTORE').length }
    }
    const [one, four] = [await count(1), await count(4)]
    expect({ cold: four.cold - one.cold, written: four.written - one.written }).toEqual({
      cold: 3,
      written: 3,
    })
  })

  test('behavior: the chain’s trace of a batch says the same as its receipt less calldata', async () => {
    const { execution } = await send(payee, 'escrow', 'settleBatch', token, await settlements(3))
    expect(tracedGas(await stage.trace())).toBe(execution)
  })

  test('default: costs what the snapshot says', async () => {
    if (update) return
    const snapshot = JSON.parse(await readFile(file, 'utf8')) as Record<string, Gas>
    expect(Object.keys(measured)).toEqual(Object.keys(snapshot))
    // Addresses and signatures hold zero bytes by chance, and those are cheaper as calldata: hence the tolerance.
    for (const [name, gas] of Object.entries(measured))
      for (const kind of ['execution', 'transaction'] as const) {
        const [is, was] = [gas[kind], snapshot[name]?.[kind] ?? 0]
        expect(Math.abs(is - was), `${name}, ${kind}: ${is}, was ${was}`).toBeLessThan(is * 0.005)
      }
  })
})

import { readFile, writeFile } from 'node:fs/promises'
import { network } from 'hardhat'
import {
  type Abi,
  type Address,
  createPublicClient,
  createWalletClient,
  custom,
  type Hex,
  hashTypedData,
} from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount, sign } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadArtifact } from '../../scripts/deploy/artifacts.ts'
import { deployEscrow } from '../../scripts/deploy/deploy-escrow.ts'
import { deployTestToken } from '../../scripts/deploy/deploy-token.ts'

// What each operation costs as a transaction: intrinsic cost and calldata included, on the simulated chain, compared with
// contracts/snapshots/gas.json. After an intended change: UPDATE_GAS=1 npx vitest run test/contracts/gas.test.ts

const file = new URL('../../contracts/snapshots/gas.json', import.meta.url)
const update = process.env.UPDATE_GAS === '1'
const DEPOSIT = 10_000_000n

const payer = privateKeyToAccount('0x00000000000000000000000000000000000000000000000000000000000a11ce')
const payee = privateKeyToAccount('0x0000000000000000000000000000000000000000000000000000000000000bee')
const payerKey: Hex = '0x00000000000000000000000000000000000000000000000000000000000a11ce'
const funder = privateKeyToAccount('0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80')

const measured: Record<string, number> = {}
const connection = await network.create('default')
const transport = custom(connection.provider)
const publicClient = createPublicClient({ transport, pollingInterval: 10 })
const wallet = (account: PrivateKeyAccount) => createWalletClient({ account, transport })
let escrow: Address
let escrowAbi: Abi
let token: Address
let tokenAbi: Abi
let salts = 0n

async function send(account: PrivateKeyAccount, address: Address, abi: Abi, name: string, args: unknown[]) {
  const call = { account, chain: null, address, abi, functionName: name, args } as const
  const hash = await wallet(account).writeContract(call)
  const receipt = await publicClient.waitForTransactionReceipt({ hash })
  expect(receipt.status, name).toBe('success')
  return Number(receipt.gasUsed)
}

const callEscrow = (account: PrivateKeyAccount, name: string, ...args: unknown[]) =>
  send(account, escrow, escrowAbi, name, args)
const callToken = (account: PrivateKeyAccount, name: string, ...args: unknown[]) =>
  send(account, token, tokenAbi, name, args)
const read = <result>(name: string, ...args: unknown[]) =>
  publicClient.readContract({ address: escrow, abi: escrowAbi, functionName: name, args }) as Promise<result>

const nextSalt = (): Hex => `0x${(++salts).toString(16).padStart(64, '0')}`
const zero: Address = '0x0000000000000000000000000000000000000000'

async function openChannel(): Promise<Hex> {
  const salt = nextSalt()
  await callEscrow(payer, 'open', payee.address, token, DEPOSIT, salt, zero)
  return read('computeChannelId', payer.address, payee.address, token, salt, zero)
}

async function voucher(channelId: Hex, amount: bigint): Promise<Hex> {
  const digest = await read<Hex>('getVoucherDigest', channelId, amount)
  return sign({ hash: digest, privateKey: payerKey, to: 'hex' })
}

async function authorization(value: bigint, nonce: Hex): Promise<Hex> {
  const hash = hashTypedData({
    domain: { name: 'Test USD', version: '2', chainId: 31337, verifyingContract: token },
    types: {
      ReceiveWithAuthorization: [
        { name: 'from', type: 'address' },
        { name: 'to', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'validAfter', type: 'uint256' },
        { name: 'validBefore', type: 'uint256' },
        { name: 'nonce', type: 'bytes32' },
      ],
    },
    primaryType: 'ReceiveWithAuthorization',
    message: { from: payer.address, to: escrow, value, validAfter: 0n, validBefore: 2n ** 48n, nonce },
  })
  return sign({ hash, privateKey: payerKey, to: 'hex' })
}

beforeAll(async () => {
  const clients = { walletClient: wallet(funder), publicClient }
  escrow = (await deployEscrow(clients)).address
  escrowAbi = (await loadArtifact('ChannelEscrow')).abi
  const mints = [payer, payee].map(({ address }) => ({ to: address, amount: 10n ** 12n }))
  const deployed = await deployTestToken({ ...clients, mints })
  token = deployed.address
  tokenAbi = deployed.abi
  for (const { address } of [payer, payee]) {
    const hash = await wallet(funder).sendTransaction({ chain: null, to: address, value: 10n ** 18n })
    await publicClient.waitForTransactionReceipt({ hash })
  }
  await callToken(payer, 'approve', escrow, 2n ** 256n - 1n)
  await openChannel() // from here on the escrow's balance of the token is not zero, as in use
})

afterAll(async () => {
  if (update) await writeFile(file, `${JSON.stringify(measured, null, 2)}\n`)
  await connection.close()
})

describe('gas', () => {
  test('default: a plain ERC-20 transfer, to compare with', async () => {
    measured['ERC-20 transfer'] = await callToken(payer, 'transfer', payee.address, 5n)
  })

  test('default: open', async () => {
    const args = [payee.address, token, DEPOSIT, nextSalt()]
    measured.open = await callEscrow(payer, 'open', ...args, zero)
    measured['open, delegated signer'] = await callEscrow(payer, 'open', ...args, funder.address)
  })

  test('default: openWithAuthorization', async () => {
    const salt = nextSalt()
    const nonce = await read<Hex>('computeOpenNonce', payer.address, payee.address, token, salt, zero)
    const signature = await authorization(DEPOSIT, nonce)
    const args = [payee.address, token, DEPOSIT, salt, zero, payer.address, 0n, 2n ** 48n, nonce, signature]
    measured.openWithAuthorization = await callEscrow(payee, 'openWithAuthorization', ...args)
  })

  test('default: topUp and topUpWithAuthorization', async () => {
    const id = await openChannel()
    measured.topUp = await callEscrow(payer, 'topUp', id, 5n)
    const salt = nextSalt()
    const nonce = await read<Hex>('computeTopUpNonce', id, 5n, payer.address, salt)
    const args = [id, 5n, payer.address, salt, 0n, 2n ** 48n, nonce, await authorization(5n, nonce)]
    measured.topUpWithAuthorization = await callEscrow(payee, 'topUpWithAuthorization', ...args)
  })

  test('default: settle, first and again', async () => {
    const id = await openChannel()
    measured.settle = await callEscrow(payee, 'settle', id, 5n, await voucher(id, 5n))
    measured['settle, again'] = await callEscrow(payee, 'settle', id, 9n, await voucher(id, 9n))
  })

  test.each([1, 10, 50])('default: settleBatch of %i', async (size) => {
    const settlements = []
    for (let i = 0; i < size; i++) {
      const channelId = await openChannel()
      settlements.push({ channelId, cumulativeAmount: 5n, signature: await voucher(channelId, 5n) })
    }
    measured[`settleBatch of ${size}`] = await callEscrow(payee, 'settleBatch', settlements)
  })

  test('default: close, with a voucher and without', async () => {
    const id = await openChannel()
    measured.close = await callEscrow(payee, 'close', id, 5n, await voucher(id, 5n))
    measured['close, forfeit'] = await callEscrow(payee, 'close', await openChannel(), 0n, '0x')
  })

  test('default: requestClose and withdraw', async () => {
    const id = await openChannel()
    measured.requestClose = await callEscrow(payer, 'requestClose', id)
    await connection.provider.request({ method: 'evm_increaseTime', params: [900] })
    measured.withdraw = await callEscrow(payer, 'withdraw', id)
  })

  test('behavior: a batch costs less per channel than settling one by one', () => {
    expect((measured['settleBatch of 50'] ?? 0) / 50).toBeLessThan((measured.settle ?? 0) * 0.6)
  })

  test('default: costs what the snapshot says', async () => {
    if (update) return
    const snapshot = JSON.parse(await readFile(file, 'utf8')) as Record<string, number>
    // Signatures and addresses hold zero bytes by chance, and a zero byte of calldata is cheaper: hence the tolerance.
    for (const [name, gas] of Object.entries(measured)) {
      expect(Math.abs(gas - (snapshot[name] ?? 0)), `${name}: ${gas}, was ${snapshot[name]}`).toBeLessThan(
        gas * 0.005,
      )
    }
    expect(Object.keys(measured)).toEqual(Object.keys(snapshot))
  })
})

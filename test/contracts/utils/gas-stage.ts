import { network } from 'hardhat'
import {
  type Address,
  createPublicClient,
  createWalletClient,
  custom,
  type Hex,
  hashTypedData,
  zeroAddress,
} from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount, sign } from 'viem/accounts'
import { loadArtifact } from '../../../scripts/deploy/artifacts.ts'
import { deployEscrow } from '../../../scripts/deploy/deploy-escrow.ts'
import { deployTestToken } from '../../../scripts/deploy/deploy-token.ts'
import { executionGas } from './execution-gas.ts'

/** Gas of one call: as a whole transaction, and what the EVM used of it (see `executionGas`). */
export type Gas = { execution: number; transaction: number }

export const DEPOSIT = 10_000_000n
const payerKey: Hex = '0x00000000000000000000000000000000000000000000000000000000000a11ce'
export const payer = privateKeyToAccount(payerKey)
export const payee = privateKeyToAccount('0x0000000000000000000000000000000000000000000000000000000000000bee')
const funder = privateKeyToAccount('0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80')

/** A chain with an escrow that is in use: it holds tokens, and payer and payee have tokens and coin. */
export async function createGasStage() {
  const connection = await network.create('default')
  const transport = custom(connection.provider)
  const publicClient = createPublicClient({ transport, pollingInterval: 10 })
  const wallet = (account: PrivateKeyAccount) => createWalletClient({ account, transport })
  const clients = { walletClient: wallet(funder), publicClient }
  const { address: escrow } = await deployEscrow(clients)
  const { abi } = await loadArtifact('ChannelEscrow')
  const mints = [payer, payee].map(({ address }) => ({ to: address, amount: 10n ** 12n }))
  const token = await deployTestToken({ ...clients, mints })
  let salts = 0n
  let last: Hex = '0x'

  async function send(
    account: PrivateKeyAccount,
    to: 'escrow' | 'token',
    name: string,
    ...args: unknown[]
  ): Promise<Gas> {
    const target = to === 'escrow' ? { address: escrow, abi } : { address: token.address, abi: token.abi }
    last = await wallet(account).writeContract({ account, chain: null, ...target, functionName: name, args })
    const { status, gasUsed } = await publicClient.waitForTransactionReceipt({ hash: last })
    if (status !== 'success') throw new Error(`${name} was reverted.`)
    const { input } = await publicClient.getTransaction({ hash: last })
    return { execution: executionGas(gasUsed, input), transaction: Number(gasUsed) }
  }

  const read = <result>(name: string, ...args: unknown[]) =>
    publicClient.readContract({ address: escrow, abi, functionName: name, args }) as Promise<result>
  const nextSalt = (): Hex => `0x${(++salts).toString(16).padStart(64, '0')}`

  async function openChannel(to: Address = payee.address): Promise<Hex> {
    const salt = nextSalt()
    await send(payer, 'escrow', 'open', to, token.address, DEPOSIT, salt, zeroAddress)
    return read('computeChannelId', payer.address, to, token.address, salt, zeroAddress)
  }

  async function voucher(channelId: Hex, amount: bigint): Promise<Hex> {
    const digest = await read<Hex>('getVoucherDigest', channelId, amount)
    return sign({ hash: digest, privateKey: payerKey, to: 'hex' })
  }

  /** So many channels of one payee, each with a voucher of 5. */
  async function settlements(count: number, to?: Address) {
    const made = []
    for (let i = 0; i < count; i++) {
      const channelId = await openChannel(to)
      made.push({ channelId, cumulativeAmount: 5n, signature: await voucher(channelId, 5n) })
    }
    return made
  }

  async function authorization(value: bigint, nonce: Hex): Promise<Hex> {
    const hash = hashTypedData({
      domain: { name: 'Test USD', version: '2', chainId: 31337, verifyingContract: token.address },
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

  async function fund(to: Address): Promise<void> {
    const hash = await wallet(funder).sendTransaction({ chain: null, to, value: 10n ** 18n })
    await publicClient.waitForTransactionReceipt({ hash })
  }

  /** The steps of the transaction sent last. */
  async function trace(): Promise<Step[]> {
    const params = [last, { disableStorage: true, disableMemory: true, disableStack: true }]
    const answer = await connection.provider.request({ method: 'debug_traceTransaction', params })
    return (answer as { structLogs: Step[] }).structLogs
  }

  for (const { address } of [payer, payee]) await fund(address)
  await send(payer, 'token', 'approve', escrow, 2n ** 256n - 1n)
  await openChannel()
  return {
    token: token.address,
    send,
    read,
    nextSalt,
    openChannel,
    voucher,
    settlements,
    authorization,
    fund,
    trace,
    later: (seconds: number) =>
      connection.provider.request({ method: 'evm_increaseTime', params: [seconds] }),
    close: () => connection.close(),
  }
}

type Step = { op: string; gas: number; gasCost: number }

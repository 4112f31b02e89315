import { encodeFunctionData, type Hex, hexToBigInt, numberToHex } from 'viem'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { tokenAbi } from '../../gateway/protocol/abi.ts'
import { chainId, SimulatedChain } from '../../scripts/simulate/SimulatedChain.ts'

const blockSeconds = 12

let chain: SimulatedChain
let began: number
let now: number
beforeAll(async () => {
  chain = await SimulatedChain.create()
})
beforeEach(async () => {
  began = await chain.reset({ blockSeconds })
  now = began
  chain.follow(() => now)
})
afterAll(() => chain.close())

const pass = (blocks: number) => {
  now += blocks * blockSeconds * 1_000
}
const block = async (tag: Hex | 'latest') =>
  (await chain.request('eth_getBlockByNumber', [tag, false])) as { number: Hex; timestamp: Hex }
const payer = () => {
  const [first] = chain.payers
  if (first === undefined) throw new Error('unreachable')
  return first
}
const balance = async (owner: Hex, tag: Hex | 'latest'): Promise<bigint> => {
  const data = encodeFunctionData({ abi: tokenAbi, functionName: 'balanceOf', args: [owner] })
  return hexToBigInt((await chain.request('eth_call', [{ to: chain.token, data }, tag])) as Hex)
}
const transfer = async (value: bigint) => {
  const account = payer()
  const nonce = Number(await chain.request('eth_getTransactionCount', [account.address, 'pending']))
  const data = encodeFunctionData({
    abi: tokenAbi,
    functionName: 'transfer',
    args: [chain.payee.address, value],
  })
  const raw = await account.signTransaction({
    chainId,
    nonce,
    to: chain.token,
    data,
    gas: 100_000n,
    maxFeePerGas: 20_000_000_000n,
    maxPriorityFeePerGas: 1_000_000_000n,
  })
  return (await chain.request('eth_sendRawTransaction', [raw])) as Hex
}
const receipt = async (hash: Hex) =>
  (await chain.request('eth_getTransactionReceipt', [hash])) as { blockNumber: Hex } | null
const logs = async (fromBlock: bigint, toBlock: bigint) =>
  (await chain.request('eth_getLogs', [
    { address: chain.token, fromBlock: numberToHex(fromBlock), toBlock: numberToHex(toBlock) },
  ])) as { transactionHash: Hex }[]

describe('SimulatedChain', () => {
  test('default: blocks that nobody looked at have their number and their time', async () => {
    const first = chain.height
    for (const blocks of [1, 2, 3, 700, 5]) {
      pass(blocks)
      const newest = await block('latest')
      expect(Number(newest.timestamp) * 1_000).toBe(now)
      expect(hexToBigInt(newest.number) - first).toBe(BigInt((now - began) / (blockSeconds * 1_000)))
    }
    const middle = await block(numberToHex(first + 400n))
    expect(Number(middle.timestamp) * 1_000).toBe(began + 400 * blockSeconds * 1_000)
  })

  test('behavior: what is pending has the time of the next block, however long the machine takes', async () => {
    for (const blocks of [0, 1, 40]) {
      pass(blocks)
      const pending = (await chain.request('eth_getBlockByNumber', ['pending', false])) as { timestamp: Hex }
      expect(Number(pending.timestamp) * 1_000).toBe(now + blockSeconds * 1_000)
    }
  })

  test('behavior: a transfer is mined with the next block, and the state at every block is what it was then', async () => {
    const before = await balance(chain.payee.address, 'latest')
    pass(300)
    const hash = await transfer(5n)
    expect(await receipt(hash)).toBeNull()
    expect(await balance(chain.payee.address, 'latest')).toBe(before)
    pass(300)
    const mined = hexToBigInt((await receipt(hash))?.blockNumber ?? '0x0')
    expect(chain.height - mined).toBe(299n)
    for (const [tag, expected] of [
      [numberToHex(mined - 150n), before],
      [numberToHex(mined - 1n), before],
      [numberToHex(mined), before + 5n],
      [numberToHex(mined + 150n), before + 5n],
      ['latest', before + 5n],
    ] as const)
      expect(await balance(chain.payee.address, tag)).toBe(expected)
    expect(await logs(mined - 100n, mined - 1n)).toEqual([])
    expect(await logs(mined - 100n, mined)).toMatchObject([{ transactionHash: hash }])
    expect(await logs(mined + 1n, mined + 100n)).toEqual([])
  })

  test.each([true, false])(
    'behavior: a reorganisation takes blocks back; what they had comes again: %s',
    async (keep) => {
      const before = await balance(chain.payee.address, 'latest')
      await chain.doom(2, keep)
      const hash = await transfer(7n)
      pass(2)
      const first = await receipt(hash)
      expect(first).not.toBeNull()
      expect(await balance(chain.payee.address, 'latest')).toBe(before + 7n)
      pass(1)
      expect(await balance(chain.payee.address, 'latest')).toBe(keep ? before + 7n : before)
      expect((await receipt(hash)) !== null).toBe(keep)
      expect(await logs(chain.height - 2n, chain.height)).toHaveLength(keep ? 1 : 0)
    },
  )

  test('behavior: no block comes while blocks are withheld', async () => {
    pass(3)
    const { number } = await block('latest')
    await chain.withhold(10 * blockSeconds * 1_000)
    pass(9)
    expect((await block('latest')).number).toBe(number)
    pass(2)
    expect(hexToBigInt((await block('latest')).number)).toBeGreaterThan(hexToBigInt(number))
  })
})

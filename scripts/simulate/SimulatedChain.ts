import hre from 'hardhat'
import {
  type Address,
  createPublicClient,
  createWalletClient,
  custom,
  type EIP1193RequestFn,
  encodeFunctionData,
  type Hex,
  keccak256,
  numberToHex,
  type PrivateKeyAccount,
  parseEther,
  toHex,
} from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { createKeyAccount } from '../../client/node.ts'
import { tokenAbi } from '../../gateway/protocol/abi.ts'
import { deployEscrow } from '../deploy/deploy-escrow.ts'
import { deployTestToken } from '../deploy/deploy-token.ts'
import { Evm } from './Evm.ts'

export const chainId = 31337
const startedAt = Date.UTC(2030, 0, 1)

/**
 * A real EVM in this process, whose blocks come when virtual time says so: they are mined when somebody next looks. It can
 * withhold blocks, and take back the newest ones as a reorganisation does. One chain serves many seeds, one after another.
 */
export class SimulatedChain {
  readonly escrow: Address
  readonly token: Address
  readonly payee: PrivateKeyAccount
  readonly payeeKey: Hex
  readonly payers: readonly PrivateKeyAccount[]
  /** What each payer begins with, base units. */
  readonly funds: readonly bigint[]
  readonly #evm: Evm
  readonly #close: () => Promise<void>
  #base: string
  #nextBlock = 0
  #blockMs = 1_000
  #now: () => number = () => 0
  #withheldUntil = 0
  #doomed: Doomed | null = null
  /** One question after another: two must not mine the same block. */
  #turn: Promise<unknown> = Promise.resolve()
  /** Tells of a reorganisation that has happened: how many blocks. */
  onReorganised: (blocks: number) => void = () => {}

  private constructor(made: Made) {
    this.#evm = made.evm
    this.#close = made.close
    this.#base = made.base
    this.escrow = made.escrow
    this.token = made.token
    this.payee = made.payee
    this.payeeKey = made.payeeKey
    this.payers = made.payers
    this.funds = made.funds
  }

  /** Starts the chain and deploys what it needs: about a second. */
  static async create(): Promise<SimulatedChain> {
    const { provider } = await hre.network.connect({
      network: 'default',
      override: { chainId, initialDate: new Date(startedAt) },
    })
    const transport = custom({ request: atFixedTimes(provider) })
    const [payeeKey, deployerKey, ...payerKeys] = Array.from({ length: 8 }, (_, index) =>
      keccak256(toHex(`simulated account ${index}`)),
    )
    if (payeeKey === undefined || deployerKey === undefined) throw new Error('unreachable')
    const payee = privateKeyToAccount(payeeKey)
    const payers = payerKeys.map((key) => createKeyAccount(key))
    const account = privateKeyToAccount(deployerKey)
    for (const { address } of [account, payee, ...payers])
      await provider.request({
        method: 'hardhat_setBalance',
        params: [address, numberToHex(parseEther('1000'))],
      })
    const clients = {
      walletClient: createWalletClient({ transport, account }),
      publicClient: createPublicClient({ transport, pollingInterval: 10, cacheTime: 0 }),
    }
    const { address: escrow } = await deployEscrow(clients)
    const { address: token } = await deployTestToken({ ...clients, name: 'Test USD', symbol: 'TUSD' })
    // The last one is poor: what it signs does not always move.
    const funds = payers.map((_, index) => (index === payers.length - 1 ? 150_000n : 1_000_000_000n))
    for (const [index, { address }] of payers.entries()) {
      const data = encodeFunctionData({
        abi: tokenAbi,
        functionName: 'mint',
        args: [address, funds[index] ?? 0n],
      })
      await clients.walletClient.sendTransaction({ to: token, data, chain: null })
    }
    const evm = await Evm.create(provider)
    const base = await evm.snapshot()
    return new SimulatedChain({
      evm,
      close: () => provider.close(),
      base,
      escrow,
      token,
      payee,
      payeeKey,
      payers,
      funds,
    })
  }

  /** Back to the beginning. Returns the time there. */
  async reset(options: { blockSeconds: number }): Promise<number> {
    const { timestamp } = await this.#evm.revert(this.#base)
    this.#base = await this.#evm.snapshot()
    const now = timestamp * 1_000
    this.#blockMs = options.blockSeconds * 1_000
    this.#nextBlock = now + this.#blockMs
    this.#withheldUntil = 0
    this.#doomed = null
    this.#now = () => now
    return now
  }

  /** Whose time the blocks follow. */
  follow(now: () => number): void {
    this.#now = now
  }

  /** A question to the chain as it is now. Transactions wait for a block. */
  request(method: string, params: readonly unknown[]): Promise<unknown> {
    return this.#inTurn(() => {
      if (method !== 'eth_sendRawTransaction') return this.#evm.ask(method, params, this.#nextBlock)
      const raw = params[0] as Hex
      this.#doomed?.sent.push(raw)
      return this.#evm.send(raw)
    })
  }

  /** A payer's own transaction: whatever happens to its block, its wallet sends it again. */
  async submit(raw: Hex): Promise<void> {
    await this.#inTurn(() => {
      this.#doomed?.always.push(raw)
      return this.#evm.send(raw)
    })
  }

  get height(): bigint {
    return this.#evm.height
  }

  /** No block for this long. */
  async withhold(ms: number): Promise<void> {
    await this.#inTurn(async () => {
      this.#withheldUntil = this.#now() + ms
    })
  }

  /**
   * The next `blocks` blocks will turn out not to be: others take their place, one more of them. `keep`: what they had in
   * them is sent again.
   */
  async doom(blocks: number, keep: boolean): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#doomed !== null || blocks < 1) return
      const snapshot = await this.#evm.snapshot()
      this.#doomed = { snapshot, left: blocks, mined: 0, sent: [], always: [], keep, from: this.#nextBlock }
    })
  }

  async close(): Promise<void> {
    await this.#close()
  }

  /** Does something on the chain as it is now, after all that was asked before. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(async () => {
      await this.#catchUp()
      return work()
    })
    this.#turn = done.catch(() => {})
    return done
  }

  async #catchUp(): Promise<void> {
    const now = this.#now()
    while (this.#nextBlock <= now) {
      if (this.#nextBlock < this.#withheldUntil) {
        const missed = Math.ceil((this.#withheldUntil - this.#nextBlock) / this.#blockMs)
        this.#nextBlock += missed * this.#blockMs
        continue
      }
      const due = Math.floor((now - this.#nextBlock) / this.#blockMs) + 1
      if (this.#doomed === null) await this.#mine(due)
      else if (this.#doomed.left > 0) {
        const count = Math.min(due, this.#doomed.left)
        await this.#mine(count)
        this.#doomed.left -= count
        this.#doomed.mined += count
      } else await this.#reorganise()
    }
  }

  async #mine(count: number): Promise<void> {
    await this.#evm.mine(count, this.#nextBlock, this.#blockMs)
    this.#nextBlock += count * this.#blockMs
  }

  async #reorganise(): Promise<void> {
    const doomed = this.#doomed
    if (doomed === null) return
    this.#doomed = null
    await this.#evm.revert(doomed.snapshot)
    for (const raw of [...doomed.always, ...(doomed.keep ? doomed.sent : [])])
      await this.#evm.send(raw).catch(() => null)
    this.#nextBlock = doomed.from
    await this.#mine(doomed.mined + 1)
    this.onReorganised(doomed.mined)
  }
}

/**
 * Each transaction is mined a second after the one before it. Left to itself the EVM takes the clock of this machine, and
 * every time of every seed would depend on how long the contracts took to deploy.
 */
function atFixedTimes(provider: { request: Ask }): EIP1193RequestFn {
  let seconds = startedAt / 1_000
  const request: Ask = async (asked) => {
    if (asked.method.startsWith('eth_send')) {
      seconds += 1
      await provider.request({ method: 'evm_setNextBlockTimestamp', params: [seconds] })
    }
    return provider.request(asked)
  }
  return request as EIP1193RequestFn
}

type Ask = (asked: { method: string; params?: unknown[] }) => Promise<unknown>

type Doomed = {
  snapshot: string
  left: number
  mined: number
  /** What the gateway sent meanwhile, and what payers did. */
  sent: Hex[]
  always: Hex[]
  keep: boolean
  /** When the first of these blocks was due. */
  from: number
}

type Made = Pick<SimulatedChain, 'escrow' | 'token' | 'payee' | 'payeeKey' | 'payers' | 'funds'> & {
  evm: Evm
  close: () => Promise<void>
  base: string
}

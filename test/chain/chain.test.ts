import { type Hex, parseAbi } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ChainMismatchError, NoNodeError } from '../../gateway/chain/assert-ready.ts'
import { createChain } from '../../gateway/chain/create-chain.ts'
import { codeOfSelector, decodeRevert } from '../../gateway/chain/decode-revert.ts'
import { NonceManager } from '../../gateway/chain/NonceManager.ts'
import * as Authorization from '../../gateway/protocol/Authorization.ts'
import * as Voucher from '../../gateway/protocol/Voucher.ts'
import { deployContract } from '../../scripts/deploy/deploy-token.ts'
import { createStage, must, type Stage } from '../settlement/stage.ts'
import { type LocalChain, startChain } from '../support/chain.ts'

let local: LocalChain
let stage: Stage
beforeAll(async () => {
  local = await startChain({ accounts: 4 })
  stage = await createStage(local)
})
afterAll(async () => {
  await stage.close()
  await local.close()
})

const channelId: Hex = `0x${'42'.repeat(32)}`
const account = privateKeyToAccount(generatePrivateKey())
const stranger = privateKeyToAccount(generatePrivateKey())

async function deployWallet(owner: Hex): Promise<Hex> {
  const deployer = must(local.accounts[1])
  const clients = { walletClient: local.walletClient(deployer), publicClient: local.publicClient }
  const { address } = await deployContract({ ...clients, name: 'TestWallet', args: [owner] })
  return address
}

describe('Chain.verifyVoucher', () => {
  const voucher = { channelId, cumulativeAmount: 77n }
  const sign = (domain = { chainId: local.chainId, escrow: local.escrow }) =>
    account.signTypedData(Voucher.typedData(domain, voucher))

  test('default: an account signs for itself and for nobody else', async () => {
    const signature = await sign()
    expect(await stage.chain.verifyVoucher(voucher, signature, account.address)).toBe(true)
    expect(await stage.chain.verifyVoucher(voucher, signature, stranger.address)).toBe(false)
    const other = { ...voucher, cumulativeAmount: 78n }
    expect(await stage.chain.verifyVoucher(other, signature, account.address)).toBe(false)
  })

  test('error: a signature for another chain or another escrow is refused', async () => {
    for (const domain of [
      { chainId: 1, escrow: local.escrow },
      { chainId: local.chainId, escrow: local.token },
    ])
      expect(await stage.chain.verifyVoucher(voucher, await sign(domain), account.address)).toBe(false)
  })

  test('behavior: a contract wallet confirms by ERC-1271, and no longer after it has changed hands', async () => {
    const wallet = await deployWallet(account.address)
    const signature = await sign()
    expect(await stage.chain.verifyVoucher(voucher, signature, wallet)).toBe(true)
    expect(await stage.chain.verifyVoucher(voucher, '0x1234', wallet)).toBe(false)
    await local.testClient.setBalance({ address: account.address, value: 10n ** 20n })
    await stage.write(account, {
      address: wallet,
      abi: parseAbi(['function rotate(address owner)']),
      functionName: 'rotate',
      args: [stranger.address],
    })
    expect(await stage.chain.verifyVoucher(voucher, signature, wallet)).toBe(false)
  })

  test('error: a contract that is no wallet confirms nothing', async () => {
    expect(await stage.chain.verifyVoucher(voucher, await sign(), local.token)).toBe(false)
  })
})

describe('Chain.verifyAuthorization', () => {
  const message = {
    from: account.address,
    to: stranger.address,
    value: 1n,
    validAfter: 0n,
    validBefore: 2n,
    nonce: channelId,
  }
  test('default: transfer and receive are different promises', async () => {
    const domain = { name: 'Test USD', version: '2', chainId: local.chainId, token: local.token }
    const typed = Authorization.typedData('transfer', domain, message)
    const signature = await account.signTypedData(typed as Parameters<typeof account.signTypedData>[0])
    expect(await stage.chain.verifyAuthorization('transfer', domain, message, signature)).toBe(true)
    expect(await stage.chain.verifyAuthorization('receive', domain, message, signature)).toBe(false)
    const renamed = { ...domain, name: 'Test Dai' }
    expect(await stage.chain.verifyAuthorization('transfer', renamed, message, signature)).toBe(false)
  })
})

describe('Chain.verifyMessage', () => {
  test('default: an account, a contract wallet, and nobody else', async () => {
    const signature = await account.signMessage({ message: 'hello' })
    expect(await stage.chain.verifyMessage(account.address, 'hello', signature)).toBe(true)
    expect(await stage.chain.verifyMessage(account.address, 'hullo', signature)).toBe(false)
    expect(await stage.chain.verifyMessage(stranger.address, 'hello', signature)).toBe(false)
    const wallet = await deployWallet(account.address)
    expect(await stage.chain.verifyMessage(wallet, 'hello', signature)).toBe(true)
    expect(await stage.chain.verifyMessage(wallet, 'hullo', signature)).toBe(false)
  })
})

describe('Chain.holding', () => {
  test('default: counts ERC-20, ERC-721 and one id of ERC-1155', async () => {
    const owner = must(local.accounts[2])
    const mint = (address: Hex, abi: string, args: readonly unknown[]) =>
      stage.write(owner, { address, abi: parseAbi([abi]), functionName: 'mint', args })
    await local.mint(owner.address, 12n)
    await mint(local.nft, 'function mint(address to)', [owner.address])
    await mint(local.multiToken, 'function mint(address to, uint256 id, uint256 amount)', [
      owner.address,
      5n,
      3n,
    ])
    const { holding } = stage.chain
    expect(await holding({ standard: 'erc20', token: local.token }, owner.address)).toBe(12n)
    expect(await holding({ standard: 'erc721', token: local.nft }, owner.address)).toBe(1n)
    expect(await holding({ standard: 'erc1155', token: local.multiToken, id: 5n }, owner.address)).toBe(3n)
    expect(await holding({ standard: 'erc1155', token: local.multiToken, id: 6n }, owner.address)).toBe(0n)
  })
})

describe('Chain.assertReady', () => {
  const make = (over: Partial<createChain.Options>) =>
    createChain({
      chainId: local.chainId,
      rpcUrl: local.rpcUrl,
      escrow: local.escrow,
      relayer: generatePrivateKey(),
      ledger: stage.ledger,
      clock: stage.clock,
      ...over,
    })

  test('default: a funded payee on the right chain is ready without a word', async () => {
    await expect(stage.chain.assertReady()).resolves.toBeUndefined()
    expect(stage.reports.filter(({ event }) => event === 'payee-without-gas')).toEqual([])
  })

  test('behavior: a payee without gas is a warning with its fix', async () => {
    const reports: string[] = []
    await make({ report: (level, event) => void reports.push(`${level} ${event}`) }).assertReady()
    expect(reports).toEqual(['info signature-checks', 'warn payee-without-gas'])
  })

  test('error: another chain, no contract, and a contract that is no escrow are refused with the fix', async () => {
    await expect(make({ chainId: 8453 }).assertReady()).rejects.toThrow(ChainMismatchError)
    await expect(make({ chainId: 8453 }).assertReady()).rejects.toThrow(/is of chain 31337.*8453.*Fix:/)
    await expect(make({ escrow: stranger.address }).assertReady()).rejects.toThrow(/no contract/)
    await expect(make({ escrow: local.token }).assertReady()).rejects.toThrow(/not a channel escrow/)
  })

  test('error: a node that does not answer is unavailable, and its address is not in the message', async () => {
    const failed = make({ rpcUrl: 'http://127.0.0.1:1/secret-key' }).assertReady()
    await expect(failed).rejects.toBeInstanceOf(NoNodeError)
    await expect(failed).rejects.not.toThrow(/secret-key/)
  })

  test('behavior: with two nodes the second answers for a dead first one', async () => {
    const chain = make({ rpcUrl: ['http://127.0.0.1:1', local.rpcUrl] })
    await expect(chain.assertReady()).resolves.toBeUndefined()
    expect(await chain.channel(channelId)).toBeNull()
  })
})

describe('NonceManager', () => {
  test('default: the lowest nonce that neither the chain nor an intent has', () => {
    const nonces = new NonceManager()
    nonces.raise(5)
    nonces.hold(7)
    nonces.hold(3)
    expect([nonces.take(), nonces.take(), nonces.take()]).toEqual([5, 6, 8])
    nonces.release(6)
    expect(nonces.take()).toBe(6)
    nonces.raise(4)
    expect(nonces.take()).toBe(9)
    nonces.raise(20)
    expect(nonces.take()).toBe(20)
  })
})

describe('decodeRevert', () => {
  test('default: names of the escrow become codes, also from the selector of a skipped settlement', () => {
    expect(codeOfSelector('0x00000000')).toBe('execution-reverted')
    expect(decodeRevert(new Error('fetch failed'))).toBeNull()
    expect(decodeRevert(new Error('execution reverted: ERC20: transfer amount exceeds balance'))).toBe(
      'insufficient-balance',
    )
    expect(decodeRevert(new Error('execution reverted'))).toBe('execution-reverted')
  })
})

import { pbkdf2Sync } from 'node:crypto'
import hre from 'hardhat'
import {
  type Account,
  type Address,
  type Chain,
  createPublicClient,
  createTestClient,
  createWalletClient,
  type Hex,
  type HttpTransport,
  http,
  type PrivateKeyAccount,
  type PublicClient,
  parseAbi,
  parseEther,
  type TestClient,
  toHex,
  type WalletClient,
} from 'viem'
import { HDKey, privateKeyToAccount } from 'viem/accounts'
import { deployEscrow } from './deploy/deploy-escrow.ts'
import { deployContract, deployTestToken } from './deploy/deploy-token.ts'

/** A chain of one's own inside this process, with the escrow and tokens of every standard deployed. */
export type LocalChain = {
  rpcUrl: string
  chainId: number
  escrow: Address
  /** ERC-20 with EIP-3009, 6 decimals, like USDC: domain `Test USD`, version `2`. Anybody may mint. */
  token: Address
  /** The same with 18 decimals: domain `Test Dai`, version `1`. */
  token18: Address
  /** ERC-721; `mint(address)`. */
  nft: Address
  /** ERC-1155; `mint(address, id, amount)`. */
  multiToken: Address
  /** Hardhat's well-known accounts, each with 10,000 coins. The first deployed the contracts. */
  accounts: PrivateKeyAccount[]
  /** Their private keys, in the same order. */
  privateKeys: Hex[]
  publicClient: PublicClient<HttpTransport, Chain>
  /** Mining, snapshots and time. */
  testClient: TestClient<'hardhat', HttpTransport, Chain>
  /** Sends from one of the accounts, with viem's own nonces. */
  walletClient(account: Account): WalletClient<HttpTransport, Chain, Account>
  /** Gives `to` that many base units of a token (`token` unless another is named). */
  mint(to: Address, amount: bigint, token?: Address): Promise<void>
  /** Mines empty blocks. */
  mine(blocks: number): Promise<void>
  /** Block time of the head, Unix seconds. */
  time(): Promise<number>
  close(): Promise<void>
}

/**
 * Starts a chain with automatic mining: each transaction is a block. Takes about a second; close it in `afterAll`.
 */
export async function startChain(options: startChain.Options = {}): Promise<LocalChain> {
  const { chainId = 31337, accounts: count = 20, port: wanted = 0 } = options
  const server = await hre.network.createServer(
    { network: 'default', override: { chainId, accounts: { mnemonic, count } } },
    '127.0.0.1',
    wanted,
  )
  const { port } = await server.listen()
  const rpcUrl = `http://127.0.0.1:${port}`
  const chain: Chain = {
    id: chainId,
    name: 'Local',
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [rpcUrl] } },
  }
  const shared = { chain, transport: http(rpcUrl), pollingInterval: 20, cacheTime: 0 }
  const publicClient = createPublicClient(shared)
  const testClient = createTestClient({ ...shared, mode: 'hardhat' })
  const keys = privateKeys(count)
  const accounts = keys.map((key) => privateKeyToAccount(key))
  const [deployer] = accounts
  if (deployer === undefined) throw new Error('0 accounts were asked for; the deployer is one.')
  const walletClient = (account: Account) => createWalletClient({ ...shared, account })

  const clients = { walletClient: walletClient(deployer), publicClient }
  const { address: escrow } = await deployEscrow(clients)
  const { address: token } = await deployTestToken({ ...clients, name: 'Test USD', symbol: 'TUSD' })
  const { address: token18 } = await deployTestToken({
    ...clients,
    name: 'Test Dai',
    symbol: 'TDAI',
    version: '1',
    decimals: 18,
  })
  const { address: nft } = await deployContract({
    ...clients,
    name: 'TestNft',
    args: ['Test NFT', 'TNFT'],
  })
  const { address: multiToken } = await deployContract({ ...clients, name: 'TestMultiToken', args: [''] })

  // Minting has an account of its own, so that it never takes a nonce of an account under test.
  const minter = privateKeyToAccount(minterKey)
  await testClient.setBalance({ address: minter.address, value: parseEther('1000') })
  let minting = Promise.resolve()
  const mint = (to: Address, amount: bigint, of: Address = token) => {
    minting = minting.then(async () => {
      const hash = await walletClient(minter).writeContract({
        address: of,
        abi: parseAbi(['function mint(address to, uint256 value)']),
        functionName: 'mint',
        args: [to, amount],
      })
      await publicClient.waitForTransactionReceipt({ hash })
    })
    return minting
  }

  return {
    rpcUrl,
    chainId,
    escrow,
    token,
    token18,
    nft,
    multiToken,
    accounts,
    privateKeys: keys,
    publicClient,
    testClient,
    walletClient,
    mint,
    mine: (blocks) => testClient.mine({ blocks }),
    time: async () => Number((await publicClient.getBlock()).timestamp),
    close: () => server.close(),
  }
}

export declare namespace startChain {
  type Options = {
    /** Default 31337. */
    chainId?: number
    /** Port of its JSON-RPC; 0, the default, picks a free one. */
    port?: number
    /** How many funded accounts. Default 20. */
    accounts?: number
  }
}

const mnemonic = 'test test test test test test test test test test test junk'
const minterKey: Hex = `0x${'11'.repeat(32)}`

function privateKeys(count: number): Hex[] {
  const root = HDKey.fromMasterSeed(pbkdf2Sync(mnemonic, 'mnemonic', 2048, 64, 'sha512'))
  const parent = root.derive("m/44'/60'/0'/0")
  return Array.from({ length: count }, (_, index) => {
    const { privateKey } = parent.deriveChild(index)
    if (privateKey === null) throw new Error(`Account ${index} has no key.`)
    return toHex(privateKey)
  })
}

import type { Chain, PublicClient, Transport } from 'viem'
import { type Abi, type Account, type Address, encodeDeployData, type Hash, type WalletClient } from 'viem'
import { loadArtifact } from './artifacts.ts'
import { DeployError } from './DeployError.ts'

/**
 * Deploys a `TestToken` (anybody can mint it; EIP-3009 and EIP-2612 as USDC v2.2 has them) and mints what is asked for.
 * For local chains and test networks only.
 *
 * @throws DeployError when the chain reverts.
 */
export async function deployTestToken(options: deployTestToken.Options): Promise<deployTestToken.Result> {
  const { walletClient, publicClient, mints = [] } = options
  const { name = 'Test USD', symbol = 'TUSD', version = '2', decimals = 6 } = options
  const args = [name, symbol, version, decimals]
  const token = await deployContract({ walletClient, publicClient, name: 'TestToken', args })
  for (const { to, amount } of mints) {
    const hash = await walletClient.writeContract({
      address: token.address,
      abi: token.abi,
      functionName: 'mint',
      args: [to, amount],
      account: walletClient.account,
      chain: null,
    })
    await publicClient.waitForTransactionReceipt({ hash })
  }
  return { ...token, name, symbol, version, decimals }
}

/**
 * Deploys any contract below `contracts/` by its name, at an address that follows from the account and its nonce.
 *
 * @throws DeployError when the chain reverts.
 */
export async function deployContract(options: deployContract.Options): Promise<deployContract.Result> {
  const { walletClient, publicClient, name, args = [] } = options
  const { abi, bytecode } = await loadArtifact(name)
  const transaction = await walletClient.sendTransaction({
    account: walletClient.account,
    chain: null,
    data: encodeDeployData({ abi, bytecode, args }),
  })
  const { contractAddress } = await publicClient.waitForTransactionReceipt({ hash: transaction })
  if (contractAddress === null || contractAddress === undefined) {
    throw new DeployError(
      `Deployment of ${name} (${transaction}) was reverted.`,
      'check its constructor arguments',
    )
  }
  return { address: contractAddress, transaction, abi }
}

type Clients = {
  walletClient: WalletClient<Transport, Chain | undefined, Account>
  publicClient: PublicClient<Transport, Chain | undefined>
}

export declare namespace deployTestToken {
  type Options = Clients & {
    /** ERC-20 name and EIP-712 domain name. Default `Test USD`. */
    name?: string | undefined
    symbol?: string | undefined
    /** EIP-712 domain version. Default `2`, as USDC's. */
    version?: string | undefined
    /** Default 6. */
    decimals?: number | undefined
    /** Whom to give how many base units. */
    mints?: readonly { to: Address; amount: bigint }[] | undefined
  }
  type Result = deployContract.Result & { name: string; symbol: string; version: string; decimals: number }
}

export declare namespace deployContract {
  type Options = Clients & {
    name: string
    args?: readonly unknown[] | undefined
  }
  type Result = { address: Address; transaction: Hash; abi: Abi }
}

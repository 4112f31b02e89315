import type { Chain, PublicClient, Transport } from 'viem'
import { type Account, type Address, concat, getContractAddress, type Hex, type WalletClient } from 'viem'
import { DeployError } from './DeployError.ts'

/**
 * The canonical deterministic deployment proxy: anyone sends it `salt ‖ init code`, and it deploys with CREATE2, so that
 * the same code has the same address on every chain. Source: github.com/Arachnid/deterministic-deployment-proxy.
 */
export const proxyAddress: Address = '0x4e59b44847b379578588920cA78FbF26c0B4956C'

// Nobody holds the key of this account: its signature was made up (r and s are 2222…), and the account is what the
// signature recovers to. The transaction has no chain id, costs 0.01 ether (100,000 gas at 100 gwei), and can create
// nothing else than the proxy.
const proxyDeployer: Address = '0x3fAB184622Dc19b6109349B94811493BF2a45362'
const proxyDeployment: Hex =
  '0xf8a58085174876e800830186a08080b853604580600e600039806000f350fe7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf31ba02222222222222222222222222222222222222222222222222222222222222222a02222222222222222222222222222222222222222222222222222222222222222'
const proxyCode: Hex =
  '0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3'
const proxyCost = 10n ** 16n

/** Where the proxy puts `initCode` under `salt`. */
export function create2Address(salt: Hex, initCode: Hex): Address {
  return getContractAddress({ opcode: 'CREATE2', from: proxyAddress, salt, bytecode: initCode })
}

/** What to send to the proxy. */
export function create2Data(salt: Hex, initCode: Hex): Hex {
  return concat([salt, initCode])
}

/**
 * Makes sure that the proxy is on the chain, and puts it there by its presigned transaction when it is not, as on a
 * fresh local chain. That costs the deployer up to 0.01 of the chain's coin.
 *
 * @throws DeployError when the chain refuses the presigned transaction, or has something else at the address.
 */
export async function ensureProxy(options: {
  walletClient: WalletClient<Transport, Chain | undefined, Account>
  publicClient: PublicClient<Transport, Chain | undefined>
}): Promise<'present' | 'created'> {
  const { walletClient, publicClient } = options
  const code = await publicClient.getCode({ address: proxyAddress })
  if (code === proxyCode) return 'present'
  if (code !== undefined && code !== '0x') {
    throw new DeployError(
      `Address ${proxyAddress} has code that is not the deterministic deployment proxy's.`,
      'deploy with an account of this chain only if you trust it; no address would be predictable here',
    )
  }
  const balance = await publicClient.getBalance({ address: proxyDeployer })
  if (balance < proxyCost) {
    const hash = await walletClient.sendTransaction({
      account: walletClient.account,
      chain: null,
      to: proxyDeployer,
      value: proxyCost - balance,
    })
    await publicClient.waitForTransactionReceipt({ hash })
  }
  try {
    const hash = await publicClient.sendRawTransaction({ serializedTransaction: proxyDeployment })
    await publicClient.waitForTransactionReceipt({ hash })
  } catch (cause) {
    throw new DeployError(
      `The chain has no deterministic deployment proxy at ${proxyAddress} and refused the transaction that creates it.`,
      'the chain may want replay-protected transactions (EIP-155) or another gas price: ask its operator for the proxy, ' +
        'or put it into the genesis block',
      { cause },
    )
  }
  if ((await publicClient.getCode({ address: proxyAddress })) !== proxyCode) {
    throw new DeployError(
      `The presigned transaction ran, yet ${proxyAddress} has no proxy.`,
      'this chain prices gas differently (100,000 gas were not enough): ask its operator for the proxy',
    )
  }
  return 'created'
}

import type { Chain, PublicClient, Transport } from 'viem'
import { type Account, type Address, type Hash, type Hex, keccak256, toBytes, type WalletClient } from 'viem'
import { loadArtifact } from './artifacts.ts'
import { create2Address, create2Data, ensureProxy, proxyAddress } from './create2-proxy.ts'
import { DeployError } from './DeployError.ts'
import { verifyEscrow } from './verify-escrow.ts'

/**
 * Puts the channel escrow on a chain, or finds the one that is there: its address follows from its code and the salt, so
 * the same code is never deployed twice. Either way its runtime code is checked before this returns.
 *
 * @returns Where it is; `outcome` says whether it was deployed now or found.
 * @throws DeployError when the address holds other code, the deployer has no coin for gas, the deployment failed, or the
 * chain has no deterministic deployment proxy and refuses it. ArtifactError when the contracts do not compile.
 */
export async function deployEscrow(options: deployEscrow.Options): Promise<deployEscrow.Result> {
  const { walletClient, publicClient, salt = escrowSalt, confirmations = 1 } = options
  const artifact = await loadArtifact('ChannelEscrow')
  const address = create2Address(salt, artifact.bytecode)
  const result = {
    address,
    chainId: await publicClient.getChainId(),
    salt,
    bytecodeHash: keccak256(artifact.bytecode),
    compiler: artifact.compiler,
    deployer: walletClient.account.address,
  }
  const code = await publicClient.getCode({ address })
  if (code !== undefined && code !== '0x') {
    await verifyEscrow({ publicClient, artifact, address })
    return { ...result, outcome: 'found', transaction: undefined, block: undefined }
  }

  if ((await publicClient.getBalance({ address: result.deployer })) === 0n) {
    throw new DeployError(
      `Account ${result.deployer} has nothing on chain ${result.chainId} to pay gas with.`,
      'send it some of the chain’s coin (a faucet gives it on test networks)',
    )
  }
  await ensureProxy({ walletClient, publicClient })
  const transaction = await walletClient.sendTransaction({
    account: walletClient.account,
    chain: null,
    to: proxyAddress,
    data: create2Data(salt, artifact.bytecode),
  })
  const receipt = await publicClient.waitForTransactionReceipt({ hash: transaction, confirmations })
  if (receipt.status !== 'success') {
    throw new DeployError(
      `Deployment ${transaction} was reverted.`,
      'look it up on the chain’s explorer, then try again',
    )
  }
  await verifyEscrow({ publicClient, artifact, address })
  return { ...result, outcome: 'deployed', transaction, block: receipt.blockNumber }
}

/** The salt of every Farthing escrow, so that one version of its code has one address. */
export const escrowSalt: Hex = keccak256(toBytes('Farthing ChannelEscrow'))

/** Where `deployEscrow` puts the escrow as compiled now: the same address on every chain. */
export async function predictEscrowAddress(salt: Hex = escrowSalt): Promise<Address> {
  return create2Address(salt, (await loadArtifact('ChannelEscrow')).bytecode)
}

export declare namespace deployEscrow {
  type Options = {
    walletClient: WalletClient<Transport, Chain | undefined, Account>
    publicClient: PublicClient<Transport, Chain | undefined>
    /** Blocks to wait for, the transaction's own counted. On an automining local chain only 1 ever comes. Default 1. */
    confirmations?: number | undefined
    salt?: Hex | undefined
  }
  type Result = {
    outcome: 'deployed' | 'found'
    address: Address
    chainId: number
    /** `undefined` when the escrow was there already. */
    transaction: Hash | undefined
    block: bigint | undefined
    /** keccak256 of the init code. */
    bytecodeHash: Hex
    salt: Hex
    compiler: string
    deployer: Address
  }
}

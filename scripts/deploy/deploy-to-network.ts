import type { Chain, PublicClient, Transport } from 'viem'
import { type Account, type Address, isAddressEqual, type WalletClient } from 'viem'
import { loadArtifact } from './artifacts.ts'
import { DeployError } from './DeployError.ts'
import * as DeploymentFile from './DeploymentFile.ts'
import { deployEscrow, predictEscrowAddress } from './deploy-escrow.ts'
import { verifyEscrow } from './verify-escrow.ts'

/**
 * What `./run deploy` does: puts the escrow on a chain and records it in `deployments/<chainId>.json`; or, run again,
 * checks that what is recorded is there and is the escrow as compiled here.
 *
 * @throws DeployError for another chain than expected, a record of other code, other code at the address, no gas money.
 */
export async function deployToNetwork(options: deployToNetwork.Options): Promise<deployToNetwork.Result> {
  const { publicClient, chainId, folder } = options
  const answered = await publicClient.getChainId()
  if (answered !== chainId) {
    throw new DeployError(
      `The RPC endpoint serves chain ${answered}, not ${chainId}.`,
      'name the endpoint of the right chain with --rpc-url, or the right chain with --network or --chain-id',
    )
  }
  const recorded = await DeploymentFile.read(chainId, folder)
  if (recorded !== undefined) {
    await checkRecord(recorded, publicClient)
    return { outcome: 'recorded', deployment: recorded, file: undefined }
  }
  const { walletClient, confirmations } = options
  const found = await deployEscrow({ walletClient: await walletClient(), publicClient, confirmations })
  const isNew = found.outcome === 'deployed'
  const deployment: DeploymentFile.DeploymentFile = {
    chainId,
    address: found.address,
    transaction: found.transaction ?? null,
    block: found.block === undefined ? null : Number(found.block),
    deployer: isNew ? found.deployer : null,
    compiler: found.compiler,
    bytecodeHash: found.bytecodeHash,
    salt: found.salt,
    deployedAt: new Date(options.now()).toISOString(),
  }
  return { outcome: found.outcome, deployment, file: await DeploymentFile.write(deployment, folder) }
}

async function checkRecord(
  recorded: DeploymentFile.DeploymentFile,
  publicClient: PublicClient<Transport, Chain | undefined>,
): Promise<void> {
  const { address, salt, chainId } = recorded
  const expected: Address = await predictEscrowAddress(salt)
  if (!isAddressEqual(address, expected)) {
    throw new DeployError(
      `deployments/${chainId}.json records the escrow at ${address}, but the code compiled here would be at ${expected}: ` +
        'the contract or the compiler settings have changed since.',
      'check out the version that was deployed; or, to move to the new code, let the channels of the old escrow end, ' +
        'rename the file, and run this again',
    )
  }
  await verifyEscrow({ publicClient, artifact: await loadArtifact('ChannelEscrow'), address })
}

export declare namespace deployToNetwork {
  type Options = {
    /** Asked for only when there is something to send. */
    walletClient: () => Promise<WalletClient<Transport, Chain | undefined, Account>>
    publicClient: PublicClient<Transport, Chain | undefined>
    /** The chain that is meant; an endpoint of another one is refused. */
    chainId: number
    confirmations: number
    /** Milliseconds since 1970. */
    now: () => number
    /** Where the records are. Default `deployments/`. */
    folder?: string | undefined
  }
  type Result = {
    /** `recorded`: the file was there and is right. `found`: the escrow was there without a file, which is written now. */
    outcome: 'recorded' | 'found' | 'deployed'
    deployment: DeploymentFile.DeploymentFile
    /** The file written, if one was. */
    file: string | undefined
  }
}

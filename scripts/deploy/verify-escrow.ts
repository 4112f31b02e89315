import type { Chain, PublicClient, Transport } from 'viem'
import { type Address, encodeAbiParameters, type Hex, keccak256, toBytes } from 'viem'
import type { Artifact } from './artifacts.ts'
import { DeployError } from './DeployError.ts'

/**
 * Checks that what runs at `address` is the compiled escrow and nothing else: its runtime code byte for byte, outside the
 * places of the immutables; and the one immutable that matters, its EIP-712 domain, by asking for it.
 *
 * @throws DeployError saying what differs.
 */
export async function verifyEscrow(options: {
  publicClient: PublicClient<Transport, Chain | undefined>
  artifact: Artifact
  address: Address
}): Promise<void> {
  const { publicClient, artifact, address } = options
  const code = await publicClient.getCode({ address })
  if (code === undefined || code === '0x') {
    throw new DeployError(
      `There is no contract at ${address}.`,
      'check the chain and the address, or remove the deployment file to deploy anew',
    )
  }
  const expected = withoutImmutables(artifact.deployedBytecode, artifact)
  const actual = withoutImmutables(code, artifact)
  if (actual !== expected) {
    throw new DeployError(
      `The code at ${address} is not the escrow compiled here: ${difference(actual, expected)}.`,
      'never pay into it; check out the version that was deployed, or deploy this one under another salt',
    )
  }
  const chainId = await publicClient.getChainId()
  const domain = await publicClient.readContract({
    address,
    abi: artifact.abi,
    functionName: 'domainSeparator',
  })
  if (domain !== domainSeparator(chainId, address)) {
    throw new DeployError(
      `The escrow at ${address} signs in another EIP-712 domain (${String(domain)}) than its chain and address give.`,
      'never pay into it; vouchers would be for another contract',
    )
  }
}

/** The EIP-712 domain separator of the escrow at `address` on chain `chainId`, as the specification writes it. */
export function domainSeparator(chainId: number, address: Address): Hex {
  const type = 'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'
  return keccak256(
    encodeAbiParameters(
      [
        { type: 'bytes32' },
        { type: 'bytes32' },
        { type: 'bytes32' },
        { type: 'uint256' },
        { type: 'address' },
      ],
      [
        keccak256(toBytes(type)),
        keccak256(toBytes('EVM Payment Channel')),
        keccak256(toBytes('1')),
        BigInt(chainId),
        address,
      ],
    ),
  )
}

function withoutImmutables(code: Hex, artifact: Artifact): string {
  const bytes = Buffer.from(code.slice(2), 'hex')
  for (const { start, length } of Object.values(artifact.immutableReferences).flat()) {
    bytes.fill(0, start, start + length)
  }
  return bytes.toString('hex')
}

function difference(actual: string, expected: string): string {
  if (actual.length !== expected.length) return `${actual.length / 2} bytes instead of ${expected.length / 2}`
  let at = 0
  while (actual[at] === expected[at]) at++
  return `it differs at byte ${at >> 1}`
}

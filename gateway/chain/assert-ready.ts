import { type Address, toHex } from 'viem'
import { GatewayError } from '../errors.ts'
import { escrowAbi } from '../protocol/abi.ts'
import { voucherSeparator } from '../protocol/voucher-digest.ts'
import { asking, ChainUnavailableError } from './ChainUnavailableError.ts'
import type { Rpc } from './rpc.ts'

/** Least grace period before a payer may withdraw, in seconds (draft-evm-session-00, "Forced Close"). */
const leastGrace = 600n

/** Checks what everything else relies on; see {@link Chain.assertReady}. */
export async function assertReady(options: {
  rpc: Pick<Rpc, 'read' | 'identify'>
  chainId: number
  escrow: Address
}): Promise<void> {
  const { rpc, chainId, escrow } = options
  const client = rpc.read
  const found = await rpc.identify().catch((error: unknown) => {
    throw error instanceof ChainUnavailableError ? new NoNodeError(chainId, error) : error
  })
  const wrong = found.findIndex((id) => id !== null && id !== chainId)
  if (wrong !== -1)
    throw new ChainMismatchError(
      `The RPC endpoint${found.length === 1 ? '' : ` number ${wrong + 1}`} is of chain ${found[wrong]}; the configuration says ${chainId}.`,
      'set the RPC address of the configured chain, or change the chain id',
    )
  const code = await asking('eth_getCode', () => client.getCode({ address: escrow }))
  if (code === undefined || code === '0x')
    throw new ChainMismatchError(
      `There is no contract at the escrow's address ${escrow} on chain ${chainId}.`,
      'deploy it (./run deploy) or correct its address',
    )
  const grace = await client
    .readContract({ address: escrow, abi: escrowAbi, functionName: 'CLOSE_GRACE_PERIOD' })
    .catch(() => null)
  if (grace === null)
    throw new ChainMismatchError(
      `The contract at ${escrow} does not answer CLOSE_GRACE_PERIOD(): it is not a channel escrow.`,
      'correct the escrow’s address',
    )
  if (grace < leastGrace)
    throw new ChainMismatchError(
      `The escrow ${escrow} lets payers withdraw ${grace} s after they ask; at least ${leastGrace} s are needed.`,
      'use an escrow with a grace period of 600 s or more',
    )
  const separator = await client
    .readContract({ address: escrow, abi: escrowAbi, functionName: 'domainSeparator' })
    .catch(() => null)
  if (separator !== toHex(voucherSeparator({ chainId, escrow })))
    throw new ChainMismatchError(
      `The escrow ${escrow} signs in another EIP-712 domain than its chain and address give: it would pay no voucher.`,
      'deploy the escrow of this version (./run deploy) and set its address',
    )
}

/** No node answers. What was sent before cannot be followed, so the gateway must not start. */
export class NoNodeError extends GatewayError {
  constructor(chainId: number, cause: ChainUnavailableError) {
    super({
      message: `No node of chain ${chainId} answers. Fix: check chain.rpcUrl, or start again when one does.`,
      status: 503,
      code: 'no-node',
      cause,
    })
  }
}

/** The chain is not the one we were configured for. The gateway must not start. */
export class ChainMismatchError extends GatewayError {
  constructor(message: string, fix: string) {
    super({ message: `${message} Fix: ${fix}.`, status: 500, code: 'chain-mismatch' })
  }
}

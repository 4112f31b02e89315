import { type Address, encodeFunctionData, type Hex, type PublicClient, parseAbi } from 'viem'
import type { Clock } from '../clock.ts'
import { asking, ChainUnavailableError } from './ChainUnavailableError.ts'
import { decodeRevert } from './decode-revert.ts'

/** Signatures of contract wallets (ERC-1271): valid is what the wallet confirms now. */
export type ContractSignatures = {
  confirm(signer: Address, digest: Hex, signature: Hex): Promise<boolean>
  /** True when there is code at the address now. */
  hasCode(address: Address): Promise<boolean>
}

/**
 * Whether an address has code is remembered for half a minute, so that a flood of bad signatures in the name of plain
 * accounts does not become a flood of questions to the node.
 */
export function createContractSignatures(client: PublicClient, clock: Clock): ContractSignatures {
  const remembered = new Map<string, { code: boolean; until: number }>()

  async function hadCode(address: Address): Promise<boolean> {
    const known = remembered.get(address.toLowerCase())
    return known !== undefined && known.until > clock.now() ? known.code : hasCode(address)
  }

  async function hasCode(address: Address): Promise<boolean> {
    const key = address.toLowerCase()
    const found = await asking('eth_getCode', () => client.getCode({ address }))
    const code = found !== undefined && found !== '0x'
    if (remembered.size >= 10_000) remembered.clear()
    remembered.set(key, { code, until: clock.now() + 30_000 })
    return code
  }

  return {
    hasCode,
    async confirm(signer, digest, signature) {
      if (!(await hadCode(signer))) return false
      const data = encodeFunctionData({
        abi: erc1271,
        functionName: 'isValidSignature',
        args: [digest, signature],
      })
      try {
        const answer = await client.call({ to: signer, data, gas: signerGas })
        return answer.data?.length === 66 && answer.data.startsWith('0x1626ba7e')
      } catch (error) {
        if (decodeRevert(error) !== null || /out of gas/i.test(String(error))) return false
        throw new ChainUnavailableError('eth_call', error)
      }
    },
  }
}

const erc1271 = parseAbi(['function isValidSignature(bytes32 hash, bytes signature) view returns (bytes4)'])

/** What the escrow will give the wallet (`SIGNER_GAS`) and the cost of calling at all: never more than it will have. */
const signerGas = 300_000n + 21_000n

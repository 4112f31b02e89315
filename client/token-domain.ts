import type { TokenDomain } from '../gateway/protocol/Authorization.ts'
import { tokenAbi } from '../gateway/protocol/abi.ts'
import type { Context } from './Context.ts'
import { discover } from './Discovery.ts'
import { PaymentRefusedError } from './errors.ts'
import type { Offer } from './offers/Offer.ts'

/**
 * The EIP-712 domain of the offered token: from the caller, else the 402, else the gateway's discovery, else the chain.
 * The name and version may come from a stranger: the token's address and chain are in the domain too, so a wrong name
 * makes a signature that no contract accepts.
 * @throws {PaymentRefusedError} `token-domain`: nobody states it.
 */
export async function tokenDomain(context: Context, offer: Offer, origin: string): Promise<TokenDomain> {
  const { chainId, token } = offer
  const given = context.tokens.find(
    (known) => known.chainId === chainId && known.address.toLowerCase() === token,
  )
  if (given !== undefined) return { name: given.name, version: given.version, chainId, token }
  if (offer.domain !== undefined) return { ...offer.domain, chainId, token }
  const stated = (await discover(context, origin))?.tokens?.find(({ address }) => address === token)
  if (stated?.name !== undefined && stated.version !== undefined)
    return { name: stated.name, version: stated.version, chainId, token }
  const read = await fromChain(context, offer)
  if (read !== undefined) return { ...read, chainId, token }
  throw new PaymentRefusedError({
    code: 'token-domain',
    rule: 'tokens',
    message: `Nobody states the EIP-712 name and version of token ${token} on chain ${chainId}.`,
    fix: 'give them in the option tokens, or give rpcUrl.',
  })
}

async function fromChain(context: Context, offer: Offer) {
  if (context.chain === undefined) return undefined
  const { publicClient } = context.chain
  try {
    if ((await publicClient.getChainId()) !== offer.chainId) return undefined
    const contract = { address: offer.token, abi: tokenAbi } as const
    const [name, version] = await Promise.all([
      publicClient.readContract({ ...contract, functionName: 'name' }),
      publicClient.readContract({ ...contract, functionName: 'version' }),
    ])
    return { name, version }
  } catch {
    return undefined
  }
}

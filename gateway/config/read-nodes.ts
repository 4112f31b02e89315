import type { Address, Hex } from 'viem'
import * as Amount from '../protocol/Amount.ts'
import type { Token } from '../routes/Token.ts'
import type { RawConfig } from './schema.ts'

type FromEnvironment = (reference: { env: string }) => string

/** The addresses of the nodes, in the order in which they are asked. None twice: it would agree with itself. */
export function readRpcUrls(raw: RawConfig['chain']['rpcUrl'], fromEnvironment: FromEnvironment): string[] {
  const urls = [raw].flat().map((one) => (typeof one === 'string' ? one : fromEnvironment(one)))
  for (const [index, url] of urls.entries()) {
    if (!/^https?:\/\//.test(url)) throw new Error('must be an http or https URL')
    if (urls.indexOf(url) !== index)
      throw new Error(
        'names one endpoint twice. Fix: list each once; two are worth having only of two operators',
      )
  }
  return urls
}

/** The keys that relay. Each has nonces of its own, so none may be there twice. */
export function readRelayers(
  raw: RawConfig['chain']['relayers'],
  payee: Hex | undefined,
  readKey: (reference: { env: string }) => Hex,
): Hex[] {
  const keys = raw.map(readKey)
  for (const [index, key] of keys.entries()) {
    const others = [payee, ...keys.slice(0, index)].map((other) => other?.toLowerCase())
    if (others.includes(key.toLowerCase()))
      throw new Error(
        `has a key at ${index} that is there already. Fix: give each its own; relayerKey needs no entry`,
      )
  }
  return keys
}

/** Base units by token above which two nodes must agree; empty when it is not set. */
export function readAgreement(
  above: string | undefined,
  endpoints: number,
  tokens: Iterable<Token>,
): Map<Address, bigint> {
  if (above === undefined) return new Map()
  if (endpoints < 2)
    throw new Error(
      `needs two endpoints in chain.rpcUrl; there is ${endpoints}. Fix: list a second one, of another operator, or leave agreementAbove out`,
    )
  return new Map([...tokens].map(({ address, decimals }) => [address, Amount.parse(above, decimals)]))
}

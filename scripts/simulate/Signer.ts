import { type Address, type Hex, type PrivateKeyAccount, toHex, zeroAddress } from 'viem'
import * as Authorization from '../../gateway/protocol/Authorization.ts'
import * as Challenge from '../../gateway/protocol/mpp/Challenge.ts'
import * as Credential from '../../gateway/protocol/mpp/Credential.ts'
import * as Voucher from '../../gateway/protocol/Voucher.ts'
import * as PaymentPayload from '../../gateway/protocol/x402/PaymentPayload.ts'
import * as PaymentRequired from '../../gateway/protocol/x402/PaymentRequired.ts'
import type { Random } from './Random.ts'
import { chainId, type SimulatedChain } from './SimulatedChain.ts'

/** What a 402 offers. */
export type Offers = {
  charge: Challenge.Challenge | null
  session: Challenge.Challenge | null
  x402: PaymentRequired.PaymentRequired | null
}

export function readOffers(headers: Headers): Offers {
  const all = Challenge.parseAll(headers.get('www-authenticate') ?? '')
  const x402 = headers.get(PaymentRequired.header)
  return {
    charge: all.find(({ intent }) => intent === 'charge') ?? null,
    session: all.find(({ intent }) => intent === 'session') ?? null,
    x402: x402 === null ? null : PaymentRequired.parse(x402),
  }
}

/** A transfer that was signed for one call. */
export type SignedCharge = { headers: Record<string, string>; nonce: Hex }

/** A channel as its payer knows it. */
export type OwnChannel = { id: Hex; salt: Hex; deposit: bigint }

/** A payer's key, and everything it signs for us. */
export class Signer {
  readonly address: Address
  readonly account: PrivateKeyAccount
  readonly #chain: SimulatedChain
  readonly #random: Random

  constructor(account: PrivateKeyAccount, chain: SimulatedChain, random: Random) {
    this.account = account
    this.address = account.address.toLowerCase() as Address
    this.#chain = chain
    this.#random = random
  }

  /** Pays one call by an EIP-3009 transfer, in either dialect. */
  async charge(
    offer: { challenge: Challenge.Challenge } | { required: PaymentRequired.PaymentRequired },
    amount: bigint,
    validBefore: number,
  ): Promise<SignedCharge> {
    const nonce = 'challenge' in offer ? Challenge.hash(offer.challenge) : this.#word()
    const message = {
      from: this.address,
      to: this.#chain.payee.address,
      value: amount,
      validAfter: 0n,
      validBefore: BigInt(validBefore),
      nonce,
    }
    const signature = await this.#sign('transfer', message)
    if ('challenge' in offer) {
      const payload = { type: 'authorization', ...wire(message), signature }
      return { headers: this.#credential(offer.challenge, payload), nonce }
    }
    const { resource, accepts } = offer.required
    const payload = { signature, authorization: wire(message) }
    const payment = { x402Version: 2, resource, accepted: accepts[0], payload }
    return { headers: { [PaymentPayload.header]: PaymentPayload.serialize(payment) }, nonce }
  }

  /** A channel that is not open yet. */
  channel(deposit: bigint): OwnChannel {
    const salt = this.#word()
    return {
      id: Voucher.channelId({ payer: this.address, ...this.#parties(salt), ...this.#domain() }),
      salt,
      deposit,
    }
  }

  /** Opens a channel and pays the first call with it. */
  async open(
    challenge: Challenge.Challenge,
    { id, salt, deposit }: OwnChannel,
    cumulative: bigint,
    validBefore: number,
  ): Promise<Record<string, string>> {
    const nonce = Authorization.openNonce({ from: this.address, ...this.#parties(salt) })
    const message = this.#deposit(deposit, validBefore, nonce)
    return this.#credential(challenge, {
      action: 'open',
      type: 'authorization',
      channelId: id,
      authorization: wire(message),
      signature: await this.#sign('receive', message),
      cumulativeAmount: String(cumulative),
      voucherSignature: await this.#voucher(id, cumulative),
      salt,
    })
  }

  async topUp(
    challenge: Challenge.Challenge,
    { id }: OwnChannel,
    additional: bigint,
    validBefore: number,
  ): Promise<Record<string, string>> {
    const salt = this.#word()
    const nonce = Authorization.topUpNonce({
      channelId: id,
      additionalDeposit: additional,
      from: this.address,
      topUpSalt: salt,
    })
    const message = this.#deposit(additional, validBefore, nonce)
    return this.#credential(challenge, {
      action: 'topUp',
      type: 'authorization',
      channelId: id,
      salt,
      authorization: wire(message),
      signature: await this.#sign('receive', message),
      additionalDeposit: String(additional),
    })
  }

  /** A voucher for a call, or the last one of a channel. */
  async voucher(
    action: 'voucher' | 'close',
    challenge: Challenge.Challenge,
    { id }: OwnChannel,
    cumulative: bigint,
  ): Promise<Record<string, string>> {
    const signature = await this.#voucher(id, cumulative)
    return this.#credential(challenge, {
      action,
      channelId: id,
      cumulativeAmount: String(cumulative),
      signature,
    })
  }

  message(text: string): Promise<Hex> {
    return this.account.signMessage({ message: text })
  }

  #word(): Hex {
    return toHex(this.#random.bytes(new Uint8Array(32)))
  }

  #parties(salt: Hex) {
    return { payee: this.#chain.payee.address, token: this.#chain.token, salt, authorizedSigner: zeroAddress }
  }

  #domain() {
    return { chainId, escrow: this.#chain.escrow }
  }

  #deposit(value: bigint, validBefore: number, nonce: Hex): Authorization.Authorization {
    const times = { validAfter: 0n, validBefore: BigInt(validBefore) }
    return { from: this.address, to: this.#chain.escrow, value, ...times, nonce }
  }

  #sign(kind: 'transfer' | 'receive', message: Authorization.Authorization): Promise<Hex> {
    const domain = { name: 'Test USD', version: '2', chainId, token: this.#chain.token }
    const typed = Authorization.typedData(kind, domain, message)
    return this.account.signTypedData(typed as Parameters<PrivateKeyAccount['signTypedData']>[0])
  }

  #voucher(channelId: Hex, cumulativeAmount: bigint): Promise<Hex> {
    return this.account.signTypedData(Voucher.typedData(this.#domain(), { channelId, cumulativeAmount }))
  }

  #credential(challenge: Challenge.Challenge, payload: Record<string, unknown>): Record<string, string> {
    const source = `did:pkh:eip155:${chainId}:${this.address}`
    return { authorization: Credential.serialize({ challenge, source, payload }) }
  }
}

const wire = ({ value, validAfter, validBefore, ...rest }: Authorization.Authorization) => ({
  ...rest,
  value: String(value),
  validAfter: String(validAfter),
  validBefore: String(validBefore),
})

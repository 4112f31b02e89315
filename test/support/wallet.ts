import { randomBytes } from 'node:crypto'
import { type Address, encodeFunctionData, type Hex, type PrivateKeyAccount, toHex, zeroAddress } from 'viem'
import * as Authorization from '../../gateway/protocol/Authorization.ts'
import { escrowAbi, tokenAbi } from '../../gateway/protocol/abi.ts'
import * as Challenge from '../../gateway/protocol/mpp/Challenge.ts'
import * as Credential from '../../gateway/protocol/mpp/Credential.ts'
import * as Voucher from '../../gateway/protocol/Voucher.ts'
import * as PaymentPayload from '../../gateway/protocol/x402/PaymentPayload.ts'
import * as PaymentRequired from '../../gateway/protocol/x402/PaymentRequired.ts'
import type { LocalChain } from './chain.ts'
import { payeeIndex } from './gateway.ts'

/** What a 402 offers. */
export type Offers = {
  status: number
  charge: Challenge.Challenge
  session: Challenge.Challenge
  x402: PaymentRequired.PaymentRequired
  problem: Record<string, unknown>
}

/** Reads the offers of a 402. A missing one is an empty object, so that a test that uses it fails at once. */
export async function offersOf(response: Response): Promise<Offers> {
  const all = Challenge.parseAll(response.headers.get('www-authenticate') ?? '')
  const none = {} as Challenge.Challenge
  const header = response.headers.get(PaymentRequired.header)
  return {
    status: response.status,
    charge: all.find(({ intent }) => intent === 'charge') ?? none,
    session: all.find(({ intent }) => intent === 'session') ?? none,
    x402: header === null ? ({} as PaymentRequired.PaymentRequired) : PaymentRequired.parse(header),
    problem: (await response.json()) as Record<string, unknown>,
  }
}

/** Asks without paying, and reads the offers. */
export async function offers(url: string, init?: RequestInit): Promise<Offers> {
  return offersOf(await fetch(url, init))
}

export const random32 = (): Hex => toHex(randomBytes(32))

type Message = Authorization.Authorization
type Headers = Record<string, string>

/** Everything a wallet can sign for us, by hand, so that every part of it can be bent. */
export function wallet(account: PrivateKeyAccount, chain: LocalChain) {
  const payee = chain.accounts[payeeIndex]?.address ?? zeroAddress
  const address = account.address.toLowerCase() as Address
  const soon = () => BigInt(Math.floor(Date.now() / 1000) + 100_000)
  const domainOf = (token: Address) => ({
    ...(token.toLowerCase() === chain.token18.toLowerCase()
      ? { name: 'Test Dai', version: '1' }
      : { name: 'Test USD', version: '2' }),
    chainId: chain.chainId,
    token,
  })

  /** A signed EIP-3009 message. */
  async function authorization(kind: 'transfer' | 'receive', message: Message, token: Address = chain.token) {
    const data = Authorization.typedData(kind, domainOf(token), message)
    const signature = await account.signTypedData(data as Parameters<typeof account.signTypedData>[0])
    return { message, signature }
  }

  /** Pays a charge challenge. `change` bends the message before, `payload` the payload after it is signed. */
  async function charge(
    challenge: Challenge.Challenge,
    change: Partial<Message> = {},
    payload: Record<string, unknown> = {},
    token: Address = chain.token,
  ): Promise<Headers> {
    const request = Challenge.decodeRequest(challenge) as { amount: string }
    const message = {
      from: address,
      to: payee,
      value: BigInt(request.amount),
      validAfter: 0n,
      validBefore: soon(),
      nonce: Challenge.hash(challenge),
      ...change,
    }
    const { signature } = await authorization('transfer', message, token)
    const credential = {
      challenge,
      source: did(),
      payload: { type: 'authorization', ...wire(message), signature, ...payload },
    }
    return { authorization: Credential.serialize(credential) }
  }

  /** Pays an x402 `exact` offer. */
  async function exact(
    required: PaymentRequired.PaymentRequired,
    change: Partial<Message> = {},
    payload: Record<string, unknown> = {},
  ): Promise<Headers> {
    const [accepted] = required.accepts
    const message = {
      from: address,
      to: payee,
      value: BigInt(accepted?.amount ?? '0'),
      validAfter: 0n,
      validBefore: soon(),
      nonce: random32(),
      ...change,
    }
    const { signature } = await authorization('transfer', message)
    const payment = {
      x402Version: 2,
      resource: required.resource,
      accepted,
      payload: { signature, authorization: wire(message), ...payload },
    }
    return { [PaymentPayload.header]: PaymentPayload.serialize(payment) }
  }

  const did = () => `did:pkh:eip155:${chain.chainId}:${account.address}`

  /** A channel of this wallet, not opened yet. */
  function channel(options: { deposit?: bigint; token?: Address; signer?: PrivateKeyAccount } = {}) {
    const { deposit = 1_000_000n, token = chain.token, signer = account } = options
    const salt = random32()
    const authorizedSigner = signer === account ? zeroAddress : signer.address
    const parties = { payee, token, salt, authorizedSigner }
    const domain = { chainId: chain.chainId, escrow: chain.escrow }
    const id = Voucher.channelId({ payer: address, ...parties, ...domain })
    const sign = (cumulativeAmount: bigint) =>
      signer.signTypedData(Voucher.typedData(domain, { channelId: id, cumulativeAmount }))
    const said = (challenge: Challenge.Challenge, payload: Record<string, unknown>): Headers => ({
      authorization: Credential.serialize({
        challenge,
        source: did(),
        payload: { channelId: id, ...payload },
      }),
    })

    async function funding(value = deposit) {
      const nonce = Authorization.openNonce({ from: address, ...parties })
      const message = { from: address, to: chain.escrow, value, validAfter: 0n, validBefore: soon(), nonce }
      const { signature } = await authorization('receive', message, token)
      return { type: 'authorization', authorization: wire(message), signature, salt, authorizedSigner }
    }

    async function more(value: bigint) {
      const topUpSalt = random32()
      const nonce = Authorization.topUpNonce({
        channelId: id,
        additionalDeposit: value,
        from: address,
        topUpSalt,
      })
      const message = { from: address, to: chain.escrow, value, validAfter: 0n, validBefore: soon(), nonce }
      const { signature } = await authorization('receive', message, token)
      return { type: 'authorization', authorization: wire(message), signature, salt: topUpSalt }
    }

    const voucher = async (challenge: Challenge.Challenge, cumulative: bigint, extra = {}) =>
      said(challenge, {
        action: 'voucher',
        cumulativeAmount: String(cumulative),
        signature: await sign(cumulative),
        ...extra,
      })

    return {
      id,
      salt,
      deposit,
      sign,
      said,
      voucher,
      /** Opens by a signed deposit, with the first voucher. */
      open: async (challenge: Challenge.Challenge, cumulative: bigint) => {
        const { signature, ...funds } = await funding()
        const voucherSignature = await sign(cumulative)
        const cumulativeAmount = String(cumulative)
        return said(challenge, { action: 'open', ...funds, signature, cumulativeAmount, voucherSignature })
      },
      /** The voucher brings the deposit with it. */
      voucherWithDeposit: async (challenge: Challenge.Challenge, cumulative: bigint) =>
        voucher(challenge, cumulative, { deposit: { action: 'open', ...(await funding()) } }),
      voucherWithTopUp: async (challenge: Challenge.Challenge, cumulative: bigint, value: bigint) =>
        voucher(challenge, cumulative, { deposit: { action: 'topUp', ...(await more(value)) } }),
      topUp: async (challenge: Challenge.Challenge, value: bigint) =>
        said(challenge, { action: 'topUp', additionalDeposit: String(value), ...(await more(value)) }),
      close: async (challenge: Challenge.Challenge, cumulative: bigint) =>
        said(challenge, {
          action: 'close',
          cumulativeAmount: String(cumulative),
          signature: await sign(cumulative),
        }),
      /** The payer's own transaction; returns its hash. */
      openOnchain: () =>
        onchain('open', [payee, token, deposit, salt, authorizedSigner], { token, amount: deposit }),
      topUpOnchain: (value: bigint) => onchain('topUp', [id, value], { token, amount: value }),
      requestClose: () => onchain('requestClose', [id]),
      onchain: () =>
        chain.publicClient.readContract({
          address: chain.escrow,
          abi: escrowAbi,
          functionName: 'getChannel',
          args: [id],
        }),
    }
  }

  async function onchain(
    functionName: 'open' | 'topUp' | 'requestClose',
    args: readonly unknown[],
    pull?: { token: Address; amount: bigint },
  ): Promise<Hex> {
    const client = chain.walletClient(account)
    const done = async (hash: Hex) => {
      await chain.publicClient.waitForTransactionReceipt({ hash })
      return hash
    }
    if (pull !== undefined)
      await done(
        await client.writeContract({
          address: pull.token,
          abi: tokenAbi,
          functionName: 'approve',
          args: [chain.escrow, pull.amount],
        }),
      )
    const data = encodeFunctionData({ abi: escrowAbi, functionName, args } as Parameters<
      typeof encodeFunctionData
    >[0])
    return done(await client.sendTransaction({ to: chain.escrow, data }))
  }

  /** Signs in; returns the bearer token. */
  async function signIn(gatewayUrl: string): Promise<string> {
    const prepared = await fetch(`${gatewayUrl}/farthing/sign-in?address=${address}`)
    const { message } = (await prepared.json()) as { message: string }
    const signature = await account.signMessage({ message })
    const response = await fetch(`${gatewayUrl}/farthing/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ message, signature }),
    })
    if (response.status !== 200) throw new Error(`Sign-in was answered ${response.status}.`)
    return ((await response.json()) as { token: string }).token
  }

  /** Tops the balance up by one transfer; decimal text. */
  async function topUp(gatewayUrl: string, amount: string): Promise<Response> {
    const url = `${gatewayUrl}/farthing/balance/top-up?amount=${amount}`
    const { charge: challenge } = await offers(url, { method: 'POST' })
    return fetch(url, { method: 'POST', headers: await charge(challenge) })
  }

  return {
    account,
    address,
    did,
    authorization,
    charge,
    exact,
    channel,
    signIn,
    topUp,
    balance: (token: Address = chain.token) =>
      chain.publicClient.readContract({
        address: token,
        abi: tokenAbi,
        functionName: 'balanceOf',
        args: [address],
      }),
  }
}

export declare namespace wallet {
  type Wallet = ReturnType<typeof wallet>
  type Channel = ReturnType<Wallet['channel']>
}

function wire({ from, to, value, validAfter, validBefore, nonce }: Message) {
  return {
    from,
    to,
    value: String(value),
    validAfter: String(validAfter),
    validBefore: String(validBefore),
    nonce,
  }
}

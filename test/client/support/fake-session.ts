import { type Address, type Hex, zeroAddress } from 'viem'
import * as Authorization from '../../../gateway/protocol/Authorization.ts'
import * as Credential from '../../../gateway/protocol/mpp/Credential.ts'
import type * as Session from '../../../gateway/protocol/mpp/Session.ts'
import * as Voucher from '../../../gateway/protocol/Voucher.ts'
import { ask, managed, problem, type State, serveCall } from './fake-gateway.ts'
import { verifyAuthorization, verifyVoucher } from './fake-signatures.ts'

/** The fake's half of a session: open, top-up, voucher, close. */

export async function act(
  state: State,
  request: Request,
  url: URL,
  payload: Session.Payload,
): Promise<Response> {
  const { channelId } = payload
  if (payload.action === 'open') {
    if (payload.type === 'hash') return openByHash(state, request, url, payload)
    const opened = await open(state, payload)
    if (opened !== undefined) return ask(state, url, opened, channelId)
    return voucher(state, request, url, channelId, payload.cumulativeAmount, payload.voucherSignature)
  }
  const channel = state.channels.get(channelId)
  if (channel === undefined) return problem(state, 410, 'channel-not-found')
  if (channel.finalized) return problem(state, 410, 'channel-finalized', channelId)
  if (payload.action === 'topUp') {
    if (
      payload.type === 'authorization' &&
      !(await verifyAuthorization(state, 'receive', payload.authorization, payload.signature))
    )
      return ask(state, url, 'verification-failed', channelId)
    channel.deposit += payload.additionalDeposit
    return managed(state, channelId)
  }
  if (payload.action === 'close') {
    if (!(await verifyVoucher(state, channel.payer, channelId, payload.cumulativeAmount, payload.signature)))
      return ask(state, url, 'invalid-signature', channelId)
    if (payload.cumulativeAmount < channel.spent) return ask(state, url, 'insufficient-balance', channelId)
    channel.finalized = true
    return managed(state, channelId, `0x${'ab'.repeat(32)}`)
  }
  return voucher(state, request, url, channelId, payload.cumulativeAmount, payload.signature)
}

function openByHash(
  state: State,
  request: Request,
  url: URL,
  { channelId, cumulativeAmount, signature }: Session.OpenByHash,
): Promise<Response> {
  const credential = Credential.parse(Credential.token(request.headers.get('authorization') ?? '') ?? '')
  const payer = credential.source?.split(':').at(-1) as Address
  const deposit = state.terms.suggestedDeposit
  state.channels.set(channelId, { payer, deposit, accepted: 0n, spent: 0n, finalized: false, signature })
  return voucher(state, request, url, channelId, cumulativeAmount, signature)
}

async function open(state: State, payload: Session.OpenByAuthorization): Promise<string | undefined> {
  const { terms } = state
  const { authorization, salt, channelId } = payload
  if (state.channels.has(channelId)) return undefined
  const parties = { payee: terms.payee, token: terms.token, salt }
  const expected = Voucher.channelId({
    ...parties,
    payer: authorization.from,
    escrow: terms.escrow,
    chainId: terms.chainId,
  })
  const nonce = Authorization.openNonce({
    ...parties,
    from: authorization.from,
    authorizedSigner: zeroAddress,
  })
  if (expected !== channelId || nonce !== authorization.nonce || authorization.to !== terms.escrow)
    return 'verification-failed'
  if (!(await verifyAuthorization(state, 'receive', authorization, payload.signature)))
    return 'invalid-signature'
  const payer = authorization.from
  const fresh = { payer, deposit: authorization.value, accepted: 0n, spent: 0n, finalized: false }
  state.channels.set(channelId, { ...fresh, signature: payload.voucherSignature })
  return undefined
}

async function voucher(
  state: State,
  request: Request,
  url: URL,
  channelId: Hex,
  cumulative: bigint,
  signature: Hex,
): Promise<Response> {
  const channel = state.channels.get(channelId)
  if (channel === undefined) return problem(state, 410, 'channel-not-found')
  if (!(await verifyVoucher(state, channel.payer, channelId, cumulative, signature)))
    return ask(state, url, 'invalid-signature', channelId)
  state.vouchers.push(cumulative)
  if (cumulative > channel.deposit) return ask(state, url, 'amount-exceeds-deposit', channelId)
  if (cumulative > channel.accepted) {
    if (cumulative - channel.accepted < state.terms.minVoucherDelta)
      return ask(state, url, 'delta-too-small', channelId)
    channel.accepted = cumulative
    channel.signature = signature
  }
  if (request.method === 'HEAD') return managed(state, channelId)
  if (channel.accepted - channel.spent < state.terms.price)
    return ask(state, url, 'insufficient-balance', channelId)
  const answer = state.upstream()
  if (answer.status >= 400) return answer
  channel.spent += state.terms.price
  return serveCall(state, channel.payer, 'channel', channelId, answer)
}

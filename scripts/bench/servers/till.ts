import { keccak_256 } from '@noble/hashes/sha3.js'
import secp256k1 from 'secp256k1'
import type { Address, Hex } from 'viem'
import { createVoucherDigest } from '../voucher-digest.ts'

/** The channels that a prototype sells on. Amounts in base units as decimal digits. */
export type Channels = {
  chainId: number
  escrow: Address
  price: string
  channels: { id: Hex; signer: Address; cumulative: string }[]
}

type Known = { row: number; signer: string; cumulative: bigint }
export type Accepted = { channel: Known; cumulative: bigint; signature: Buffer }
type Credential = { payload: { channelId: Hex; cumulativeAmount: string; signature: Hex } }

/** Takes vouchers, with the least that has to be done: the header read, the signer recovered, the amount compared. */
export function createTill(job: Channels) {
  const price = BigInt(job.price)
  const digest = createVoucherDigest({ chainId: job.chainId, escrow: job.escrow })
  const channels = new Map<string, Known>(
    job.channels.map(({ id, signer, cumulative }, row) => [
      id,
      { row, signer: signer.slice(2).toLowerCase(), cumulative: BigInt(cumulative) },
    ]),
  )

  /** What the header buys; null when it buys nothing. */
  function accept(header: string | undefined): Accepted | null {
    if (header?.startsWith('Payment ') !== true) return null
    const { payload } = JSON.parse(Buffer.from(header.slice(8), 'base64url').toString()) as Credential
    const channel = channels.get(payload.channelId)
    if (channel === undefined) return null
    const cumulative = BigInt(payload.cumulativeAmount)
    if (cumulative < channel.cumulative + price) return null
    const signature = Buffer.from(payload.signature.slice(2), 'hex')
    const key = secp256k1.ecdsaRecover(
      signature.subarray(0, 64),
      (signature[64] ?? 27) - 27,
      digest(payload.channelId, cumulative),
      false,
    )
    const signer = Buffer.from(keccak_256(key.subarray(1)).subarray(12)).toString('hex')
    if (signer !== channel.signer) return null
    channel.cumulative = cumulative
    return { channel, cumulative, signature }
  }

  return { channels: [...channels.values()], accept }
}

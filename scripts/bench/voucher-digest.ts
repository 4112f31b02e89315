import { keccak_256 } from '@noble/hashes/sha3.js'
import { type Address, encodeAbiParameters, type Hex, hexToBytes, keccak256, toBytes } from 'viem'

/**
 * EIP-712 digests of vouchers for one escrow, with everything that does not change hashed once. Written apart from the
 * gateway's own, so that the one measures the other. The bytes returned are overwritten by the next call.
 */
export function createVoucherDigest(domain: { chainId: number; escrow: Address }) {
  const separator = keccak256(
    encodeAbiParameters(
      [
        { type: 'bytes32' },
        { type: 'bytes32' },
        { type: 'bytes32' },
        { type: 'uint256' },
        { type: 'address' },
      ],
      [
        keccak256(
          toBytes('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'),
        ),
        keccak256(toBytes('EVM Payment Channel')),
        keccak256(toBytes('1')),
        BigInt(domain.chainId),
        domain.escrow,
      ],
    ),
  )
  const struct = Buffer.alloc(96)
  struct.set(hexToBytes(keccak256(toBytes('Voucher(bytes32 channelId,uint128 cumulativeAmount)'))), 0)
  const message = Buffer.alloc(66)
  message.set([0x19, 0x01], 0)
  message.set(hexToBytes(separator), 2)

  return (channelId: Hex, cumulative: bigint): Uint8Array => {
    struct.write(channelId.slice(2), 32, 'hex')
    struct.writeBigUInt64BE(cumulative >> 64n, 80)
    struct.writeBigUInt64BE(cumulative & 0xffffffffffffffffn, 88)
    message.set(keccak_256(struct), 34)
    return keccak_256(message)
  }
}

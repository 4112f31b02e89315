import type { Chain } from './Chain.ts'

/** An answer as a text: two are the same when their texts are. */
export const plain = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner)) ?? 'nothing'

/** A receipt without its depth, which changes with every block. */
export function sameReceipt(mined: Chain.Mined | null): string {
  if (mined === null) return 'null'
  const logs = mined.logs.map(({ address, topics, data, logIndex, blockHash }) => ({
    address: address.toLowerCase(),
    topics,
    data,
    logIndex,
    blockHash,
  }))
  return plain({ hash: mined.hash, block: mined.block, status: mined.status, logs })
}

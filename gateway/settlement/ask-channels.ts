import type { Hex } from 'viem'
import type { Chain } from '../chain/Chain.ts'

/** Questions that are under way at once: enough to hide how far a node is, and few enough for one that counts them. */
const together = 32

type Found = Awaited<ReturnType<Chain['channel']>>

/** Channels as the escrow has them at a block, in the order in which they were named. */
export async function* askChannels(
  chain: Pick<Chain, 'channel'>,
  ids: Iterable<Hex>,
  block: bigint,
): AsyncGenerator<[id: Hex, found: Found]> {
  const rest = [...ids]
  while (rest.length > 0) {
    const page = rest.splice(0, together)
    const found = await Promise.all(page.map((id) => chain.channel(id, block)))
    for (const [index, id] of page.entries()) yield [id, found[index] ?? null]
  }
}

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
  let page: Hex[] = []
  for (const id of ids) {
    page.push(id)
    if (page.length < together) continue
    yield* await asked(chain, page, block)
    page = []
  }
  yield* await asked(chain, page, block)
}

async function asked(
  chain: Pick<Chain, 'channel'>,
  page: readonly Hex[],
  block: bigint,
): Promise<[id: Hex, found: Found][]> {
  return Promise.all(page.map(async (id): Promise<[Hex, Found]> => [id, await chain.channel(id, block)]))
}

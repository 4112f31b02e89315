/**
 * Finds what keeps a group from passing as a whole, by trying halves of what fails until single ones are left: about
 * 2·log₂(n) tries for one bad one among n. `refusal` says why a part would fail, or null. What passes comes back as few
 * parts as pass: all together, where they do. A group of which each half passes has nobody to blame; it is only too large.
 */
export async function bisect<Item>(
  group: readonly Item[],
  refusal: (part: readonly Item[]) => Promise<string | null>,
): Promise<bisect.Result<Item>> {
  const good: Item[][] = []
  const bad: { item: Item; reason: string }[] = []

  async function divide(part: readonly Item[]): Promise<void> {
    const reason = await refusal(part)
    const [item] = part
    if (reason === null || item === undefined) good.push([...part])
    else if (part.length === 1) bad.push({ item, reason })
    else await halves(part)
  }
  async function halves(part: readonly Item[]): Promise<void> {
    const middle = Math.ceil(part.length / 2)
    await divide(part.slice(0, middle))
    await divide(part.slice(middle))
  }

  await halves(group)
  const parts = good.filter((part) => part.length > 0)
  if (bad.length === 0 || parts.length < 2 || (await refusal(parts.flat())) !== null)
    return { good: parts, bad }
  return { good: [parts.flat()], bad }
}

export declare namespace bisect {
  type Result<Item> = { good: Item[][]; bad: { item: Item; reason: string }[] }
}

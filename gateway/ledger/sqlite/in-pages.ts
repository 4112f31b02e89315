/** How many rows are forgotten in one operation, so that a long sweep never keeps a payment waiting. */
const page = 200

/** Forgets page after page until one is not full. Returns how many were forgotten. */
export async function inPages(forget: (limit: number) => Promise<number>): Promise<number> {
  let forgotten = 0
  for (;;) {
    const some = await forget(page)
    forgotten += some
    if (some < page) return forgotten
  }
}

/** How much a ledger holds. */
export type Size = { name: string; channels: number; past: number }

/**
 * The sizes that are compared, for the most past calls: the smallest has none. A million channels, or a tenth of the calls
 * where there are fewer.
 */
export function sizesFor(past: number): readonly [Size, Size, Size] {
  const most = Math.min(1_000_000, Math.ceil(past / 10))
  return [
    { name: 'small', channels: Math.min(1_000, most), past: 0 },
    { name: 'middle', channels: Math.ceil(most / 10), past: Math.ceil(past / 10) },
    { name: 'large', channels: most, past },
  ]
}

import { gatewayRows } from './gateway-rows.ts'
import { peerRows } from './peer-rows.ts'
import { yardstickRows } from './yardstick-rows.ts'

/** What the rows are, by their names. */
export const titles: Readonly<Record<string, string>> = Object.fromEntries(
  [...gatewayRows, ...yardstickRows, ...peerRows(null)].map(({ name, title }) => [name, title]),
)

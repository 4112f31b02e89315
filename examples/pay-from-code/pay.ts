import { privateKeyToAccount } from 'viem/accounts'
import { createPayingFetch } from '../../client/index.ts'

/** Pays for one call and prints its answer: `node examples/pay-from-code/pay.ts URL`, key in FARTHING_PRIVATE_KEY. */
const [url] = process.argv.slice(2)
const key = process.env.FARTHING_PRIVATE_KEY
if (url === undefined || key === undefined) throw new Error('Usage: FARTHING_PRIVATE_KEY=0x… node pay.ts URL')

const fetchPaid = createPayingFetch({
  account: privateKeyToAccount(key as `0x${string}`),
  // Base units of the token: 0.01, 1 and 0.5 with six decimals. Nothing above them is ever signed.
  limits: { perCall: 10_000n, perDay: 1_000_000n, deposit: 500_000n },
  onPayment: ({ amount, rail }) => console.error(`paid ${amount} base units by ${rail}`),
})

const response = await fetchPaid(url)
console.log(await response.text())
process.exitCode = response.ok ? 0 : 1

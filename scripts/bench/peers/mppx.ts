import { evm as client } from 'mppx/evm/client'
import { Mppx, evm as server } from 'mppx/server'
import { hashTypedData, hexToBytes, toHex } from 'viem'
import { toAccount } from 'viem/accounts'
import { type Key, key } from '../Key.ts'
import { request } from '../load/request.ts'

/** Credentials of mppx's `evm` `charge`, made beforehand by its own client. */

export const secretKey = Buffer.alloc(48, 9).toString('base64')
export const realm = 'bench.local'
export const amount = '0.001'
export const recipient = key('receiver').account.address

/** Makes requests that pay, each for a challenge of its own. `signer` may be somebody else, for one that must be refused. */
export async function paidRequests(payer: Key, count: number, signer: Key = payer): Promise<Buffer[]> {
  const currency = server.assets.baseSepolia.USDC
  const issuer = Mppx.create({
    secretKey,
    realm,
    methods: [
      server.charge({
        currency,
        recipient,
        settle: () => Promise.reject(new Error('Nothing is settled here.')),
      }),
    ],
  })
  const method = client.charge({ account: accountOf(payer, signer), currencies: [currency] })
  const requests: Buffer[] = []
  for (let index = 0; index < count; index += 1) {
    // A challenge's id follows from what it says: another time of expiry is another challenge.
    issued += 1
    const expires = new Date(farAway + issued).toISOString()
    const challenge = await issuer.challenge.evm.charge({ amount, scope: 'GET /paid', expires })
    const authorization = await method.createCredential({ challenge: challenge as Offered, context: {} })
    requests.push(request('/paid', { authorization }))
  }
  return requests
}

/** The server says less of its challenges than its client asks to be told. */
type Offered = Parameters<ReturnType<typeof client.charge>['createCredential']>[0]['challenge']

const farAway = Date.now() + 6 * 3_600_000
let issued = 0

/** A viem account that signs natively: only so that signing beforehand takes less time. */
function accountOf({ account: { address } }: Key, signer: Key) {
  const refuse = () => Promise.reject(new Error('Only typed data is signed here.'))
  return toAccount({
    address,
    signMessage: refuse,
    signTransaction: refuse,
    signTypedData: async (data) => toHex(signer.sign(hexToBytes(hashTypedData(data)))),
  })
}

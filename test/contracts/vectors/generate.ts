import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import {
  type Address,
  encodeAbiParameters,
  type Hex,
  hashDomain,
  hashTypedData,
  keccak256,
  toBytes,
} from 'viem'
import { privateKeyToAccount, sign } from 'viem/accounts'

// Makes contracts/vectors/digests.json: `node test/contracts/vectors/generate.ts` from the repository's root.
// It uses viem's encoder and typed-data hash, and nothing of this project: neither the contracts nor the gateway.

export const vectorsFile = new URL('../../../contracts/vectors/digests.json', import.meta.url)

/** One case: what goes in, and the digests that must come out. Amounts are decimal strings, as JSON has no 128 bits. */
export type Vector = Input & {
  payer: Address
  domainSeparator: Hex
  channelId: Hex
  voucherDigest: Hex
  /** `r ‖ s ‖ v` of `key` over `voucherDigest`, with the deterministic nonce of RFC 6979. */
  voucherSignature: Hex
  openNonce: Hex
  topUpNonce: Hex
  tokenDomainSeparator: Hex
  /** The digest of `ReceiveWithAuthorization` of `deposit` under `openNonce`. */
  openAuthorizationDigest: Hex
  /** The digest of `ReceiveWithAuthorization` of `additionalDeposit` under `topUpNonce`. */
  topUpAuthorizationDigest: Hex
}

type Input = {
  name: string
  /** The payer's private key, of no worth. */
  key: Hex
  chainId: number
  escrow: Address
  payee: Address
  token: Address
  tokenName: string
  tokenVersion: string
  salt: Hex
  authorizedSigner: Address
  cumulativeAmount: string
  deposit: string
  additionalDeposit: string
  topUpSalt: Hex
  validAfter: string
  validBefore: string
}

const zero: Address = '0x0000000000000000000000000000000000000000'
const maxUint128 = (2n ** 128n - 1n).toString()
const maxUint256 = (2n ** 256n - 1n).toString()
const usdcOnBaseSepolia: Address = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'

const usual: Input = {
  name: 'a usual channel, the payer signs',
  key: keccak256(toBytes('vector payer')),
  chainId: 84532,
  escrow: '0x1234567890abcdef1234567890abcdef12345678',
  payee: '0x742d35cc6634c0532925a3b844bc9e7595f8fe00',
  token: usdcOnBaseSepolia,
  tokenName: 'USDC',
  tokenVersion: '2',
  salt: keccak256(toBytes('vector salt')),
  authorizedSigner: zero,
  cumulativeAmount: '250000',
  deposit: '10000000',
  additionalDeposit: '5000000',
  topUpSalt: keccak256(toBytes('vector top-up salt')),
  validAfter: '0',
  validBefore: '1900000000',
}

const inputs: Input[] = [
  usual,
  { ...usual, name: 'a delegated signer', authorizedSigner: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8' },
  {
    ...usual,
    name: 'amounts of 2^128 - 1',
    cumulativeAmount: maxUint128,
    deposit: maxUint128,
    additionalDeposit: maxUint128,
  },
  {
    ...usual,
    name: 'amounts of 1, and of 0 in the voucher',
    cumulativeAmount: '0',
    deposit: '1',
    additionalDeposit: '1',
  },
  { ...usual, name: 'salts of zero', salt: `0x${'0'.repeat(64)}`, topUpSalt: `0x${'0'.repeat(64)}` },
  { ...usual, name: 'salts of all ones', salt: `0x${'f'.repeat(64)}`, topUpSalt: `0x${'f'.repeat(64)}` },
  { ...usual, name: 'a local chain', chainId: 31337, escrow: '0x5FbDB2315678afecb367f032d93F642f64180aa3' },
  { ...usual, name: 'a large chain id', chainId: 2 ** 53 - 1 },
  { ...usual, name: 'validity without limits', validAfter: '0', validBefore: maxUint256 },
  {
    ...usual,
    name: 'addresses of leading zeros, and the payer its own signer and payee',
    key: keccak256(toBytes('another vector payer')),
    escrow: '0x0000000000000000000000000000000000c0ffee',
    token: '0x0000000000000000000000000000000000000bad',
    payee: privateKeyToAccount(keccak256(toBytes('another vector payer'))).address,
    authorizedSigner: privateKeyToAccount(keccak256(toBytes('another vector payer'))).address,
  },
  {
    ...usual,
    name: 'a token with a non-ASCII name of 31 bytes',
    tokenName: 'Euro € – a name of 31 bytes',
    tokenVersion: '1.0.0-β',
  },
  {
    ...usual,
    name: 'amounts beyond 64 bits',
    cumulativeAmount: '10000000000000000001',
    deposit: '36893488147419103232',
  },
]

/** Computes every case. */
export function makeVectors(): Promise<Vector[]> {
  return Promise.all(inputs.map(makeVector))
}

async function makeVector(input: Input): Promise<Vector> {
  const { key, chainId, escrow, payee, token, salt, authorizedSigner, topUpSalt } = input
  const payer = privateKeyToAccount(key).address
  const domain = { name: 'EVM Payment Channel', version: '1', chainId, verifyingContract: escrow }
  const tokenDomain = {
    name: input.tokenName,
    version: input.tokenVersion,
    chainId,
    verifyingContract: token,
  }
  const channelId = keccak256(
    encodeAbiParameters(types('address', 'address', 'address', 'bytes32', 'address', 'address', 'uint256'), [
      payer,
      payee,
      token,
      salt,
      authorizedSigner,
      escrow,
      BigInt(chainId),
    ]),
  )
  const openNonce = keccak256(
    encodeAbiParameters(types('address', 'address', 'address', 'bytes32', 'address'), [
      payer,
      payee,
      token,
      salt,
      authorizedSigner,
    ]),
  )
  const topUpNonce = keccak256(
    encodeAbiParameters(types('bytes32', 'uint128', 'address', 'bytes32'), [
      channelId,
      BigInt(input.additionalDeposit),
      payer,
      topUpSalt,
    ]),
  )
  const voucherDigest = hashTypedData({
    domain,
    types: {
      Voucher: [
        { name: 'channelId', type: 'bytes32' },
        { name: 'cumulativeAmount', type: 'uint128' },
      ],
    },
    primaryType: 'Voucher',
    message: { channelId, cumulativeAmount: BigInt(input.cumulativeAmount) },
  })
  const authorizationDigest = (value: string, nonce: Hex) =>
    hashTypedData({
      domain: tokenDomain,
      types: {
        ReceiveWithAuthorization: [
          { name: 'from', type: 'address' },
          { name: 'to', type: 'address' },
          { name: 'value', type: 'uint256' },
          { name: 'validAfter', type: 'uint256' },
          { name: 'validBefore', type: 'uint256' },
          { name: 'nonce', type: 'bytes32' },
        ],
      },
      primaryType: 'ReceiveWithAuthorization',
      message: {
        from: payer,
        to: escrow,
        value: BigInt(value),
        validAfter: BigInt(input.validAfter),
        validBefore: BigInt(input.validBefore),
        nonce,
      },
    })
  return {
    ...input,
    payer,
    domainSeparator: separator(domain),
    channelId,
    voucherDigest,
    voucherSignature: await sign({ hash: voucherDigest, privateKey: key, to: 'hex' }),
    openNonce,
    topUpNonce,
    tokenDomainSeparator: separator(tokenDomain),
    openAuthorizationDigest: authorizationDigest(input.deposit, openNonce),
    topUpAuthorizationDigest: authorizationDigest(input.additionalDeposit, topUpNonce),
  }
}

function types<const names extends readonly string[]>(...names: names) {
  return names.map((type) => ({ type })) as { -readonly [index in keyof names]: { type: names[index] } }
}

function separator(domain: {
  name: string
  version: string
  chainId: number
  verifyingContract: Address
}): Hex {
  return hashDomain({
    domain: { ...domain, chainId: BigInt(domain.chainId) },
    types: {
      EIP712Domain: [
        { name: 'name', type: 'string' },
        { name: 'version', type: 'string' },
        { name: 'chainId', type: 'uint256' },
        { name: 'verifyingContract', type: 'address' },
      ],
    },
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const text = `${JSON.stringify({ vectors: await makeVectors() }, null, 2)}\n`
  await writeFile(vectorsFile, text)
}

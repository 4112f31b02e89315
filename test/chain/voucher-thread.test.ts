import { keccak256, toHex } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { chooseCurve } from '../../gateway/chain/signatures/choose-curve.ts'
import * as SignedVoucher from '../../gateway/chain/signatures/SignedVoucher.ts'
import { VoucherThread } from '../../gateway/chain/signatures/VoucherThread.ts'
import { MalformedWordError } from '../../gateway/protocol/Eip712.ts'
import * as Voucher from '../../gateway/protocol/Voucher.ts'

/** Vouchers checked in a thread: were one taken for another's, or a lost thread for a yes, calls would be served for nothing. */
describe('VoucherThread', () => {
  const domain = { chainId: 31_337, escrow: '0x5fbdb2315678afecb367f032d93f642f64180aa3' } as const
  const account = privateKeyToAccount(generatePrivateKey())
  const here = SignedVoucher.checker(domain, chooseCurve())

  async function signed(index: number): Promise<SignedVoucher.SignedVoucher> {
    const voucher = { channelId: keccak256(toHex(index)), cumulativeAmount: 2n ** 100n + BigInt(index) }
    const signature = await account.signTypedData(Voucher.typedData(domain, voucher))
    return { voucher, signature, signer: account.address.toLowerCase() as `0x${string}` }
  }
  const batchOf = (from: number, count: number) =>
    Promise.all(Array.from({ length: count }, (_, index) => signed(from + index)))

  let reports: string[]
  let thread: VoucherThread
  beforeEach(() => {
    reports = []
    thread = new VoucherThread(domain, (level, event) => void reports.push(`${level} ${event}`))
    onTestFinished(() => thread.close())
  })

  /** Asks until the thread has started: nobody waits for that. */
  async function asked(batch: readonly SignedVoucher.SignedVoucher[]): Promise<Promise<boolean[]>> {
    const answer = await vi.waitFor(
      () => {
        const taken = thread.check(batch)
        if (taken === null) throw new Error('It is not taken.')
        return [taken] as const
      },
      { timeout: 20_000, interval: 5 },
    )
    return answer[0]
  }

  test('default: says of each what is so, in their order, batch by batch', async () => {
    const good = await batchOf(0, 6)
    const [first, second, third] = good
    if (first === undefined || second === undefined || third === undefined) throw new Error('None.')
    const mixed = [
      first,
      { ...second, signature: third.signature },
      { ...second, voucher: { ...second.voucher, cumulativeAmount: 1n } },
      { ...third, signer: `0x${'aa'.repeat(20)}` as const },
      second,
    ]
    expect(mixed.map(here)).toEqual([true, false, false, false, true])
    const one = asked(good)
    await one
    const answers = [thread.check(mixed), thread.check(good), thread.check(mixed)]
    expect(await Promise.all(answers)).toEqual([mixed.map(here), Array(6).fill(true), mixed.map(here)])
  })

  test('behavior: while it starts, for a single one, and above what it may have, it leaves them to who asks', async () => {
    const few = await batchOf(0, 2)
    expect(thread.check(few.slice(1))).toBeNull()
    expect(thread.check(few)).toBeNull()
    await asked(few)
    expect(thread.check(few.slice(1))).toBeNull()
    const many = Array.from({ length: 64 }, () => few).flat()
    const full = thread.check(many)
    expect(thread.check(few)).toBeNull()
    expect(await full).toEqual(Array(128).fill(true))
    expect(await thread.check(few)).toEqual([true, true])
  })

  test('error: a thread that is lost answers nothing it was asked, says so once, and is not asked again', async () => {
    const few = await batchOf(0, 2)
    await asked(few)
    const [first] = few
    if (first === undefined) throw new Error('None.')
    const impossible = { ...first, voucher: { ...first.voucher, cumulativeAmount: -1n } }
    expect(() => here(impossible)).toThrow(MalformedWordError)
    const answers = [thread.check([first, impossible]), thread.check(few)]
    for (const answer of answers) await expect(answer).rejects.toThrow(/-1/)
    expect(thread.check(few)).toBeNull()
    expect(reports).toEqual(['warn voucher-thread-lost'])
  })

  test('behavior: closed while it starts, it ends in order, and so does the process', async () => {
    const few = await batchOf(0, 2)
    expect(thread.check(few)).toBeNull()
    await thread.close()
    expect(thread.check(few)).toBeNull()
    expect(reports).toEqual([])
  })

  test('behavior: once it is closed it takes nothing, and answers nothing that it had', async () => {
    const few = await batchOf(0, 2)
    await asked(few)
    const asleep = thread.check(few)
    const closed = thread.close()
    await expect(asleep).rejects.toThrow(/stopping/)
    await closed
    expect(thread.check(few)).toBeNull()
    expect(reports).toEqual([])
  })
})

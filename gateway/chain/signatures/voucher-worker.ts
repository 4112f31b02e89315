import { parentPort, workerData } from 'node:worker_threads'
import type { EscrowDomain } from '../../protocol/Voucher.ts'
import { chooseCurve } from './choose-curve.ts'
import * as SignedVoucher from './SignedVoucher.ts'
import type { VoucherThread } from './VoucherThread.ts'

/** The thread of `VoucherThread`: answers each batch, in their order. */
const isSigned = SignedVoucher.checker(workerData as EscrowDomain, chooseCurve())

parentPort?.on('message', (asked: VoucherThread.Asked) => {
  if (asked === 'end') parentPort?.close()
  else parentPort?.postMessage(asked.map(isSigned))
})
parentPort?.postMessage('ready')

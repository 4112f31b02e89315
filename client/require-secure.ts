import { PaymentRefusedError } from './errors.ts'

/**
 * Credentials are money: they travel over TLS, or stay on this machine (draft-httpauth-payment-00, "Transport Security").
 * @throws {PaymentRefusedError} `insecure-transport`.
 */
export function requireSecure(url: URL, allowInsecure: boolean): void {
  if (url.protocol === 'https:' || allowInsecure || (url.protocol === 'http:' && isLoopback(url.hostname)))
    return
  throw new PaymentRefusedError({
    code: 'insecure-transport',
    rule: 'allowInsecure',
    message: `${url.origin} is not HTTPS; a credential sent there can be read on the way.`,
    fix: 'use https, or set allowInsecure for a network you trust.',
  })
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)
  )
}

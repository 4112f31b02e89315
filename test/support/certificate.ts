import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** A certificate for `localhost` and its key, as PEM files in a folder. Nobody trusts it who is not told to. */
export function certificateIn(folder: string): { keyFile: string; certFile: string } {
  const keyFile = join(folder, 'key.pem')
  const certFile = join(folder, 'cert.pem')
  const kind = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
  ]
  const name = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  execFileSync('openssl', [...kind, ...name, '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' })
  return { keyFile, certFile }
}

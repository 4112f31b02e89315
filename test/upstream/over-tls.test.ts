import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { testFolder } from '../ledger/test-folder.ts'
import { certificateIn } from '../support/certificate.ts'

test('default: an upstream over TLS is read as it answers, many answers at once (a caller gets its own, byte for byte)', async () => {
  const { keyFile, certFile } = certificateIn(testFolder())
  const bodies = new Map(
    ['/a', '/b', '/c', '/d'].map((path, index) => [
      path,
      Buffer.alloc(10 ** (2 * index), `${path}-of-its-own`),
    ]),
  )
  const server = createServer(
    { key: readFileSync(keyFile), cert: readFileSync(certFile) },
    (request, response) => response.end(bodies.get(request.url ?? '')),
  )
  await new Promise<void>((resolve) => server.listen(0, resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo

  const paths = [...bodies.keys(), ...bodies.keys()]
  const reading = promisify(execFile)(process.execPath, ['test/upstream/read-over-tls.ts'], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: certFile },
  })
  reading.child.stdin?.end(JSON.stringify({ url: `https://localhost:${port}`, paths }))
  const { stdout } = await reading
  const digest = (path: string) =>
    createHash('sha256')
      .update(bodies.get(path) ?? '')
      .digest('hex')
  expect(JSON.parse(stdout)).toEqual(paths.map(digest))
})

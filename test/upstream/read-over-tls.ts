import { createHash } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { createForwarder } from '../../gateway/upstream/Forwarder.ts'
import { readAll } from '../../gateway/upstream/Source.ts'
import { call } from './raw-upstream.ts'

/** Process of a test: reads these paths of an upstream, all at once, and says the digest of each. Node is told whom to trust at its start. */
const { url, paths } = JSON.parse(await text(process.stdin)) as { url: string; paths: string[] }
const forwarder = createForwarder()
const digests = await Promise.all(
  paths.map(async (path) => {
    const { body } = await forwarder.forward(call(new URL(url), { path }))
    const bytes = body === null ? new Uint8Array() : await readAll(body)
    return createHash('sha256').update(bytes).digest('hex')
  }),
)
await forwarder.close()
console.log(JSON.stringify(digests))

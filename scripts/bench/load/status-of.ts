import { connect } from 'node:net'
import { Reply } from './Reply.ts'

/** Sends one request over a connection of its own; resolves with the status of its answer. */
export function statusOf(port: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    const reply = new Reply()
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write(bytes))
    socket.on('data', (data) => {
      if (!reply.take(data)) return
      socket.destroy()
      resolve(reply.status)
    })
    socket.on('error', reject)
    socket.on('end', () => reject(new Error('The connection ended without an answer.')))
  })
}

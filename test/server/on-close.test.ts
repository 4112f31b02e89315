import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { onClose } from '../../gateway/on-close.ts'

/** A real server that answers, or does not, and says who was called back. */
async function serve(answers: boolean) {
  const called: string[] = []
  const arrived = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  const server = createServer((_message, response) => {
    onClose(response, () => called.push('first'))
    onClose(response, () => called.push('second'))
    onClose(response, over.resolve)
    arrived.resolve()
    if (answers) response.end('whole')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    called,
    port: (server.address() as AddressInfo).port,
    arrived: arrived.promise,
    over: over.promise,
  }
}

test('default: everybody who asked hears once that an answer was sent', async () => {
  const { called, port, over } = await serve(true)
  expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('whole')
  await over
  expect(called).toEqual(['first', 'second'])
})

test('behavior: everybody hears that the caller hung up (an upstream that answers nobody would go on)', async () => {
  const { called, port, arrived, over } = await serve(false)
  const socket = connect(port, '127.0.0.1')
  socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
  await arrived
  expect(called).toEqual([])
  socket.destroy()
  await over
  expect(called).toEqual(['first', 'second'])
})

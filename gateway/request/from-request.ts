import * as Fields from '../upstream/Fields.ts'
import type { Incoming } from './Incoming.ts'

/** A web `Request` as the pipeline takes it. `target` as it stood on the request line. */
export function fromRequest(
  request: Request,
  { target, serve }: Pick<Incoming, 'target' | 'serve'>,
): Incoming {
  return {
    method: request.method,
    target,
    fields: Fields.from(request.headers),
    get body() {
      return request.body
    },
    get gone() {
      return request.signal
    },
    url: request.url,
    ...(serve === undefined ? {} : { serve }),
  }
}

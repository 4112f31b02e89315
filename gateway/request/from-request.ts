import * as Fields from '../upstream/Fields.ts'
import { fromStream } from '../upstream/Source.ts'
import type { Incoming } from './Incoming.ts'

/** A web `Request` as the pipeline takes it. `target` as it stood on the request line. */
export function fromRequest(
  request: Request,
  { target, serve }: Pick<Incoming, 'target' | 'serve'>,
): Incoming {
  return new WebRequest(request, target, serve)
}

class WebRequest implements Incoming {
  readonly method: string
  readonly target: string
  readonly fields: Fields.Fields
  readonly url: string
  readonly serve?: NonNullable<Incoming['serve']>
  readonly #request: Request
  #body: Incoming['body'] | undefined

  constructor(request: Request, target: string, serve: Incoming['serve']) {
    this.method = request.method
    this.target = target
    this.fields = Fields.from(request.headers)
    this.url = request.url
    if (serve !== undefined) this.serve = serve
    this.#request = request
  }

  get body(): Incoming['body'] {
    const { body } = this.#request
    this.#body ??= body === null ? null : fromStream(body)
    return this.#body
  }

  get gone(): Incoming['gone'] {
    return this.#request.signal
  }
}

/** How long a request waits for a deposit that another one is making. */
export type Patience = {
  /** Resolves when it is time to look again; false when it waits no longer, or never would. */
  next(subject: string): Promise<boolean>
  /** What others wait for has got somewhere. */
  wake(subject: string): void
  /** Seconds that it has been granted, once it has waited; else null. */
  readonly granted: number | null
}

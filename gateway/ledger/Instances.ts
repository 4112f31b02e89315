/**
 * Gateway processes on one ledger. Each registers, beats, and is taken over by another when it is dead. The one that
 * registered first leads. See "Several gateways" in README.md.
 */
export interface Instances {
  /**
   * Registers this process. From here on this ledger acts as that instance: what it claims is owned by it, and once it has
   * left or was taken over nothing is written any more ({@link InstanceLostError}).
   */
  join(instance: Instances.New): Promise<void>
  /** Says that this process lives, and reads who else does. @throws {InstanceLostError} it was taken over. */
  beat(): Promise<Instances.Standing>
  /** Takes over one that is dead, if it has not beaten since it was read. False when it has, or is gone. */
  take(dead: Pick<Instances.Instance, 'id' | 'beats'>): Promise<boolean>
  /** Is another one registered that was there at this time (milliseconds since the epoch) already? */
  hadCompany(at: number): Promise<boolean>
  /** The last thing that is written. Not being registered (any more) is no error. */
  leave(): Promise<void>
}

export declare namespace Instances {
  type New = {
    id: string
    /** Where its pid means something: the same for two processes that can see each other. */
    host: string
    pid: number
    /** Tells it from another process that has had the same pid, where that can be told. */
    born: string | null
  }
  type Instance = New & {
    /** Milliseconds since the epoch, by its own clock. */
    startedAt: number
    seenAt: number
    beats: number
  }
  type Standing = {
    /** It does the work that is done once. */
    leads: boolean
    /** Who came first, this one included. */
    leader: string
    others: Instance[]
  }
}

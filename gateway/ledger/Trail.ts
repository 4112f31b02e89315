/** The append-only, hash-chained trail: what an audit finds in it, and what is noted in it that moved no money. */
export declare namespace Trail {
  /** A place in the trail: from it on, history can't be cut or made anew without being seen. */
  type Anchor = { seq: number; hash: string }
  type Audit = {
    holds: boolean
    violations: string[]
    /** First event that is not as it was written, or does not state what is booked; null when all are. */
    brokenAt: number | null
    events: number
    head: Anchor | null
  }

  /** What is noted in the trail beside the operations on money. */
  type NoteKind =
    | 'trail-began'
    | 'gateway-started'
    | 'gateway-stopped'
    | 'secret-rotated'
    | 'audit-ran'
    | 'routes-stopped'
    | 'routes-resumed'
    | 'restore-detected'
    | 'restore-accepted'
    | 'difference-accepted'
    | 'withdrawal-resolved'
  type Note = {
    kind: NoteKind
    subject?: string
    /** Never a secret. Long texts are cut. */
    body?: Record<string, string | number | boolean | null>
  }
  type NoteRead = Required<Note> & { seq: number; at: number }
}

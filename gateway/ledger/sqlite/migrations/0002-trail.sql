-- The trail: what happened, in order, each event bound to the one before it by its hash.

CREATE TABLE events (
  seq INTEGER PRIMARY KEY CHECK (seq > 0),
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  -- Canonical JSON (RFC 8785), as it was hashed.
  body TEXT NOT NULL,
  -- 64 hex digits; of the first event 64 zeros.
  prev_hash TEXT NOT NULL CHECK (length(prev_hash) = 64),
  -- SHA-256 of prev_hash and the canonical JSON of {at, body, kind, seq, subject}.
  hash TEXT NOT NULL CHECK (length(hash) = 64)
) STRICT;
CREATE INDEX events_by_admin ON events (kind, seq) WHERE kind GLOB 'admin:*';

CREATE TRIGGER events_follow BEFORE INSERT ON events
WHEN NEW.seq <> (SELECT coalesce(max(seq), 0) + 1 FROM events)
  OR NEW.prev_hash IS NOT coalesce(
    (SELECT hash FROM events WHERE seq = NEW.seq - 1),
    '0000000000000000000000000000000000000000000000000000000000000000'
  )
BEGIN SELECT RAISE(ABORT, 'an event follows the last one'); END;
CREATE TRIGGER events_are_final BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END;
CREATE TRIGGER events_stay BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END;

-- Why a channel takes no vouchers until an operator decides; NULL when it does. Its counters stay as they are.
ALTER TABLE channels ADD COLUMN suspended TEXT;

-- The highest nonce that was ever used from a key.
CREATE INDEX intents_by_nonce ON intents (chain_id, sender, nonce);

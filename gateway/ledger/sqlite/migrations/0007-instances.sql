-- Several gateway processes on one file.

-- One row for each instance that is taken to live. The one that came first leads: it does the work that is done once.
-- `beats` grows while the process lives; others call it dead once it stands still. Removed when the process stops, and by
-- another one when it is dead: from then on it writes nothing. `born` tells a process from a later one of the same pid.
CREATE TABLE instances (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  born TEXT,
  started_at INTEGER NOT NULL,
  seen_at INTEGER NOT NULL,
  beats INTEGER NOT NULL CHECK (beats >= 0)
) STRICT;

-- The instance whose request works on a payment. Null: nobody's request does.
ALTER TABLE payments ADD COLUMN owner TEXT;

-- Whatever process writes it: a nonce of a key is taken once, and is free again only when its transaction was dropped.
CREATE TRIGGER intents_take_a_nonce_once BEFORE INSERT ON intents
WHEN EXISTS (
  SELECT 1 FROM intents
  WHERE chain_id = NEW.chain_id AND sender = NEW.sender AND nonce = NEW.nonce AND state <> 'dropped'
)
BEGIN SELECT RAISE(ABORT, 'a nonce is taken once'); END;

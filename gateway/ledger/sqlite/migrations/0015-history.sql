-- Calls that ended long ago, many to a row (`README.md`, "History"): the tables that calls write keep what is recent.
CREATE TABLE history (
  segment INTEGER PRIMARY KEY CHECK (segment > 0),
  -- How many are in it, and between which ids.
  payment_count INTEGER NOT NULL CHECK (payment_count >= 0),
  first_payment TEXT,
  last_payment TEXT,
  transfer_count INTEGER NOT NULL CHECK (transfer_count >= 0),
  first_transfer INTEGER,
  last_transfer INTEGER,
  event_count INTEGER NOT NULL CHECK (event_count >= 0),
  first_event INTEGER,
  last_event INTEGER,
  -- JSON, by Zstandard: {"payments": [{..., "booked": [transfer, ...]}, ...], "vouchers": [transfer, ...], "events": [event, ...]}
  body BLOB NOT NULL,
  CONSTRAINT filled CHECK (payment_count + transfer_count + event_count > 0)
) STRICT;

-- In which segment a payment is, by digests of what it may be asked for by.
CREATE TABLE history_names (
  name BLOB NOT NULL CHECK (length(name) = 16 OR length(name) = 20),
  repeat INTEGER NOT NULL CHECK (repeat >= 0),
  segment INTEGER NOT NULL REFERENCES history (segment),
  PRIMARY KEY (name, repeat)
) STRICT, WITHOUT ROWID;

-- Up to where payments (by id), transfers and events were looked at, and the highest transfer that was moved.
CREATE TABLE history_progress (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  payment TEXT NOT NULL,
  transfer INTEGER NOT NULL,
  event INTEGER NOT NULL,
  highest INTEGER NOT NULL
) STRICT;
INSERT INTO history_progress (id, payment, transfer, event, highest) VALUES (1, '', 0, 0, 0);

CREATE TRIGGER history_is_final BEFORE UPDATE ON history
BEGIN SELECT RAISE(ABORT, 'history is never changed'); END;

CREATE TRIGGER history_stays BEFORE DELETE ON history
BEGIN SELECT RAISE(ABORT, 'history is never deleted'); END;

CREATE TRIGGER history_names_are_final BEFORE UPDATE ON history_names
BEGIN SELECT RAISE(ABORT, 'a name is never changed'); END;

CREATE TRIGGER history_names_stay BEFORE DELETE ON history_names
BEGIN SELECT RAISE(ABORT, 'a name is never forgotten'); END;

CREATE TRIGGER history_progress_stays BEFORE DELETE ON history_progress
BEGIN SELECT RAISE(ABORT, 'the progress of the history is never deleted'); END;

CREATE TRIGGER history_only_advances BEFORE UPDATE ON history_progress
WHEN NEW.payment < OLD.payment OR NEW.transfer < OLD.transfer OR NEW.event < OLD.event OR NEW.highest < OLD.highest
BEGIN SELECT RAISE(ABORT, 'history only advances'); END;

-- A row leaves its table only for the segment that was written last.
DROP TRIGGER payments_stay;
CREATE TRIGGER payments_stay BEFORE DELETE ON payments
WHEN OLD.open = 1 OR OLD.rail = 'charge' OR NOT EXISTS (
  SELECT 1 FROM history
  WHERE segment = (SELECT max(segment) FROM history) AND OLD.id BETWEEN first_payment AND last_payment
)
BEGIN SELECT RAISE(ABORT, 'a payment is never deleted'); END;

DROP TRIGGER transfers_stay;
CREATE TRIGGER transfers_stay BEFORE DELETE ON transfers
WHEN OLD.tx IS NOT NULL OR NOT EXISTS (
  SELECT 1 FROM history
  WHERE segment = (SELECT max(segment) FROM history) AND OLD.id BETWEEN first_transfer AND last_transfer
)
BEGIN SELECT RAISE(ABORT, 'a transfer is never deleted: book a counter-entry'); END;

DROP TRIGGER events_stay;
CREATE TRIGGER events_stay BEFORE DELETE ON events
WHEN OLD.kind GLOB 'admin:*' OR OLD.seq = (SELECT max(seq) FROM events) OR NOT EXISTS (
  SELECT 1 FROM history
  WHERE segment = (SELECT max(segment) FROM history) AND OLD.seq BETWEEN first_event AND last_event
)
BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END;

-- A process of an older version knows nothing of history. It is registered no more, so it writes nothing, and ends.
DELETE FROM instances;

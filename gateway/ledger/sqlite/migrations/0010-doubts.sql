-- Charges whose caller was left without an answer while their money may have moved. A stock client can only sign anew: a later
-- credential of the same wallet for the same call is served by them, whichever process gets it.
CREATE TABLE doubts (
  seq INTEGER PRIMARY KEY,
  payment_id TEXT NOT NULL UNIQUE REFERENCES payments (id),
  wallet TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  -- Key of the later credential that it serves. Free again when that one's own payment is void.
  taken_by TEXT,
  since INTEGER NOT NULL
) STRICT;
CREATE INDEX doubts_by_call ON doubts (wallet, fingerprint, seq);
CREATE INDEX doubts_by_taker ON doubts (taken_by, seq) WHERE taken_by IS NOT NULL;
CREATE INDEX doubts_by_age ON doubts (since);
INSERT INTO doubts (payment_id, wallet, fingerprint, since)
  SELECT id, wallet, fingerprint, updated_at FROM payments
  WHERE open = 1 AND rail = 'charge' AND money = 'unknown' AND delivery <> 'delivered' AND earns <> 'wallet:' || wallet
  ORDER BY created_at, id;

-- How many bytes of answers are stored, so that nobody has to add them up.
CREATE TABLE answers_stored (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  bytes INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT;
INSERT INTO answers_stored (id, bytes) SELECT 1, coalesce(sum(length(sealed)), 0) FROM answers;
CREATE TRIGGER answers_count_in AFTER INSERT ON answers
BEGIN UPDATE answers_stored SET bytes = bytes + length(NEW.sealed) WHERE id = 1; END;
CREATE TRIGGER answers_count_again AFTER UPDATE ON answers
BEGIN UPDATE answers_stored SET bytes = bytes + length(NEW.sealed) - length(OLD.sealed) WHERE id = 1; END;
CREATE TRIGGER answers_count_out AFTER DELETE ON answers
BEGIN UPDATE answers_stored SET bytes = bytes - length(OLD.sealed) WHERE id = 1; END;

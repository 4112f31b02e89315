-- Attempts: what was signed for an intent, in order. The same nonce each time, so that at most one of them is mined.
CREATE TABLE intent_attempts (
  intent_id TEXT NOT NULL REFERENCES intents (id),
  position INTEGER NOT NULL CHECK (position >= 0),
  raw TEXT NOT NULL,
  hash TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (intent_id, position),
  UNIQUE (intent_id, hash)
) STRICT, WITHOUT ROWID;

-- Intents learn the kind `repair`. Their `raw` and `hash` are those of the attempt to look at: the newest, or the one mined.
CREATE TABLE intents_next (
  id TEXT PRIMARY KEY,
  chain_id INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('charge', 'open', 'top-up', 'settle', 'close', 'withdrawal', 'repair')),
  sender TEXT NOT NULL,
  nonce INTEGER NOT NULL,
  raw TEXT NOT NULL,
  hash TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('intended', 'sent', 'succeeded', 'reverted', 'dropped')),
  reason TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
INSERT INTO intents_next
  (id, chain_id, kind, sender, nonce, raw, hash, state, reason, created_at, updated_at)
  SELECT id, chain_id, kind, sender, nonce, raw, hash, state, reason, created_at, updated_at FROM intents;
CREATE TABLE subjects_kept AS SELECT intent_id, position, subject FROM intent_subjects;
DROP TABLE intent_subjects;
DROP TABLE intents;
ALTER TABLE intents_next RENAME TO intents;
CREATE INDEX intents_open ON intents (state, created_at) WHERE state IN ('intended', 'sent');
CREATE INDEX intents_by_nonce ON intents (chain_id, sender, nonce);
CREATE TABLE intent_subjects (
  intent_id TEXT NOT NULL REFERENCES intents (id),
  position INTEGER NOT NULL,
  subject TEXT NOT NULL,
  PRIMARY KEY (intent_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO intent_subjects (intent_id, position, subject) SELECT intent_id, position, subject FROM subjects_kept;
DROP TABLE subjects_kept;
CREATE INDEX intent_subjects_by_subject ON intent_subjects (subject);

INSERT INTO intent_attempts (intent_id, position, raw, hash, created_at)
  SELECT id, 0, raw, hash, created_at FROM intents;
CREATE TRIGGER attempts_are_final BEFORE UPDATE ON intent_attempts
BEGIN SELECT RAISE(ABORT, 'an attempt is never changed'); END;
CREATE TRIGGER attempts_stay BEFORE DELETE ON intent_attempts
BEGIN SELECT RAISE(ABORT, 'an attempt is never deleted'); END;

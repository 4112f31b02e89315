-- What a call writes stays in few places: every index that is not needed to answer a call is a page written for nothing.

-- Payments: one index says that a key is used once. A key is its family, or the family and its repeat.
CREATE TABLE payments_next (
  id TEXT PRIMARY KEY,
  family TEXT NOT NULL,
  repeat INTEGER NOT NULL CHECK (repeat >= 0),
  key TEXT NOT NULL GENERATED ALWAYS AS (CASE repeat WHEN 0 THEN family ELSE family || '#' || repeat END) VIRTUAL,
  fingerprint TEXT NOT NULL,
  rail TEXT NOT NULL CHECK (rail IN ('charge', 'channel', 'balance')),
  dialect TEXT NOT NULL CHECK (dialect IN ('x402', 'mpp', 'session')),
  wallet TEXT NOT NULL,
  route TEXT NOT NULL,
  asset TEXT NOT NULL,
  amount TEXT NOT NULL CHECK (amount = '0' OR (amount GLOB '[1-9]*' AND amount NOT GLOB '*[^0-9]*')),
  charged TEXT NOT NULL CHECK (charged = '0' OR (charged GLOB '[1-9]*' AND charged NOT GLOB '*[^0-9]*')),
  earns TEXT NOT NULL,
  delivery TEXT NOT NULL CHECK (delivery IN ('held', 'delivering', 'delivered', 'failed', 'void')),
  money TEXT NOT NULL CHECK (
    money IN ('held', 'settling', 'unknown', 'captured', 'settled', 'credited', 'refunded', 'void', 'lost')
  ),
  channel_id TEXT REFERENCES channels (id),
  cumulative TEXT,
  tx TEXT,
  settlement TEXT,
  reason TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  open INTEGER NOT NULL GENERATED ALWAYS AS (
    delivery IN ('held', 'delivering') OR money IN ('held', 'settling', 'unknown')
  ) VIRTUAL,
  bytes INTEGER CHECK (bytes >= 0),
  whole INTEGER CHECK (whole IN (0, 1)),
  -- Its answer may be released before its transfer is sent (order `after`): counts against the loss budget until settled.
  at_risk INTEGER NOT NULL DEFAULT 0 CHECK (at_risk IN (0, 1)),
  reversed INTEGER NOT NULL DEFAULT 0 CHECK (reversed IN (0, 1)),
  UNIQUE (family, repeat),
  CONSTRAINT charged_within_amount CHECK ((length(charged), charged) <= (length(amount), amount)),
  CONSTRAINT channel CHECK ((rail = 'channel') = (channel_id IS NOT NULL)),
  CONSTRAINT void CHECK ((delivery = 'void') = (money = 'void')),
  CONSTRAINT uncharged CHECK (charged = '0' OR money IN ('captured', 'settled'))
) STRICT;
INSERT INTO payments_next (id, family, repeat, fingerprint, rail, dialect, wallet, route, asset, amount, charged, earns,
  delivery, money, channel_id, cumulative, tx, settlement, reason, created_at, updated_at, bytes, whole, at_risk, reversed)
  SELECT id, family, repeat, fingerprint, rail, dialect, wallet, route, asset, amount, charged, earns,
    delivery, money, channel_id, cumulative, tx, settlement, reason, created_at, updated_at, bytes, whole, at_risk, reversed
  FROM payments ORDER BY rowid;
DROP TABLE payments;
ALTER TABLE payments_next RENAME TO payments;

-- The first call of a key is found by the key alone.
CREATE INDEX payments_by_call ON payments (family, fingerprint, repeat) WHERE repeat > 0;
CREATE INDEX payments_by_transaction ON payments (tx) WHERE tx IS NOT NULL;
CREATE INDEX payments_open ON payments (open, created_at, id) WHERE open = 1;
CREATE INDEX payments_at_risk ON payments (asset, money, updated_at) WHERE at_risk = 1;

CREATE TRIGGER payments_deliver_once BEFORE UPDATE OF delivery ON payments
WHEN OLD.delivery = 'delivered' AND NEW.delivery <> 'delivered'
BEGIN SELECT RAISE(ABORT, 'a delivered payment stays delivered'); END;
CREATE TRIGGER payments_keep_their_key BEFORE UPDATE OF id, family, repeat, fingerprint ON payments
BEGIN SELECT RAISE(ABORT, 'a payment keeps its id, key and fingerprint'); END;
CREATE TRIGGER payments_stay BEFORE DELETE ON payments
BEGIN SELECT RAISE(ABORT, 'a payment is never deleted'); END;

-- Holds: those of calls in flight and no others. How a hold ended is said by its payment and its transfers.
CREATE TABLE holds_next (
  id INTEGER PRIMARY KEY,
  payment_id TEXT NOT NULL REFERENCES payments (id),
  account TEXT NOT NULL,
  asset TEXT NOT NULL,
  amount TEXT NOT NULL CHECK (amount GLOB '[1-9]*' AND amount NOT GLOB '*[^0-9]*'),
  FOREIGN KEY (account, asset) REFERENCES accounts (name, asset)
) STRICT;
INSERT INTO holds_next (id, payment_id, account, asset, amount)
  SELECT id, payment_id, account, asset, amount FROM holds WHERE state = 'pending' ORDER BY id;
DROP TABLE holds;
ALTER TABLE holds_next RENAME TO holds;
CREATE INDEX holds_by_payment ON holds (payment_id);
CREATE INDEX holds_by_account ON holds (account, asset);
CREATE TRIGGER holds_stay_as_they_are BEFORE UPDATE ON holds
BEGIN SELECT RAISE(ABORT, 'a hold is ended, not changed'); END;

-- Of a channel's transfers only what was spent is ever looked up.
DROP INDEX transfers_by_channel;
CREATE INDEX transfers_by_channel ON transfers (channel_id) WHERE kind IN ('capture', 'convert');

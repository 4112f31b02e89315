-- The same rules, said so that SQLite compares where it built a table of its own: a list of three or more after IN is put into
-- one each time that a row is written. It was half of what writing a payment and its transfers cost.
CREATE TABLE payments_next (
  id TEXT PRIMARY KEY,
  family TEXT NOT NULL,
  repeat INTEGER NOT NULL CHECK (repeat >= 0),
  key TEXT NOT NULL GENERATED ALWAYS AS (CASE repeat WHEN 0 THEN family ELSE family || '#' || repeat END) VIRTUAL,
  fingerprint TEXT NOT NULL,
  rail TEXT NOT NULL CHECK (rail = 'channel' OR rail = 'balance' OR rail = 'charge'),
  dialect TEXT NOT NULL CHECK (dialect = 'mpp' OR dialect = 'x402' OR dialect = 'session'),
  wallet TEXT NOT NULL,
  route TEXT NOT NULL,
  asset TEXT NOT NULL,
  amount TEXT NOT NULL CHECK (amount = '0' OR (amount GLOB '[1-9]*' AND amount NOT GLOB '*[^0-9]*')),
  charged TEXT NOT NULL CHECK (charged = '0' OR (charged GLOB '[1-9]*' AND charged NOT GLOB '*[^0-9]*')),
  earns TEXT NOT NULL,
  delivery TEXT NOT NULL CHECK (
    delivery = 'held' OR delivery = 'delivered' OR delivery = 'delivering' OR delivery = 'failed' OR delivery = 'void'
  ),
  money TEXT NOT NULL CHECK (
    money = 'held' OR money = 'captured' OR money = 'settling' OR money = 'settled' OR money = 'unknown'
    OR money = 'credited' OR money = 'refunded' OR money = 'void' OR money = 'lost'
  ),
  channel_id TEXT REFERENCES channels (id),
  cumulative TEXT,
  tx TEXT,
  settlement TEXT,
  reason TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  open INTEGER NOT NULL GENERATED ALWAYS AS (
    delivery = 'held' OR delivery = 'delivering' OR money = 'held' OR money = 'settling' OR money = 'unknown'
  ) VIRTUAL,
  bytes INTEGER CHECK (bytes >= 0),
  whole INTEGER CHECK (whole IN (0, 1)),
  -- Its answer may be released before its transfer is sent (order `after`): counts against the loss budget until settled.
  at_risk INTEGER NOT NULL DEFAULT 0 CHECK (at_risk IN (0, 1)),
  reversed INTEGER NOT NULL DEFAULT 0 CHECK (reversed IN (0, 1)),
  owner TEXT,
  UNIQUE (family, repeat),
  CONSTRAINT charged_within_amount CHECK ((length(charged), charged) <= (length(amount), amount)),
  CONSTRAINT channel CHECK ((rail = 'channel') = (channel_id IS NOT NULL)),
  CONSTRAINT void CHECK ((delivery = 'void') = (money = 'void')),
  CONSTRAINT uncharged CHECK (charged = '0' OR money IN ('captured', 'settled'))
) STRICT;
INSERT INTO payments_next (id, family, repeat, fingerprint, rail, dialect, wallet, route, asset, amount, charged, earns,
  delivery, money, channel_id, cumulative, tx, settlement, reason, created_at, updated_at, bytes, whole, at_risk, reversed, owner)
  SELECT id, family, repeat, fingerprint, rail, dialect, wallet, route, asset, amount, charged, earns,
    delivery, money, channel_id, cumulative, tx, settlement, reason, created_at, updated_at, bytes, whole, at_risk, reversed, owner
  FROM payments ORDER BY rowid;
DROP TABLE payments;
ALTER TABLE payments_next RENAME TO payments;
CREATE INDEX payments_at_risk ON payments (asset, money, updated_at) WHERE at_risk = 1;
CREATE INDEX payments_by_call ON payments (family, fingerprint, repeat) WHERE repeat > 0;
CREATE INDEX payments_by_transaction ON payments (tx) WHERE tx IS NOT NULL;
CREATE INDEX payments_open ON payments (open, created_at, id) WHERE open = 1;
CREATE TRIGGER payments_deliver_once BEFORE UPDATE OF delivery ON payments
WHEN OLD.delivery = 'delivered' AND NEW.delivery <> 'delivered'
BEGIN SELECT RAISE(ABORT, 'a delivered payment stays delivered'); END;
CREATE TRIGGER payments_keep_their_key BEFORE UPDATE OF id, family, repeat, fingerprint ON payments
BEGIN SELECT RAISE(ABORT, 'a payment keeps its id, key and fingerprint'); END;
CREATE TRIGGER payments_stay BEFORE DELETE ON payments
BEGIN SELECT RAISE(ABORT, 'a payment is never deleted'); END;

CREATE TABLE transfers_next (
  id INTEGER PRIMARY KEY,
  debit TEXT NOT NULL,
  credit TEXT NOT NULL,
  asset TEXT NOT NULL,
  amount TEXT NOT NULL,
  -- One of those that the constraint `entry` knows.
  kind TEXT NOT NULL,
  payment_id TEXT REFERENCES payments (id),
  channel_id TEXT REFERENCES channels (id),
  withdrawal_id TEXT REFERENCES withdrawals (id),
  chain_id INTEGER,
  tx TEXT,
  log_index INTEGER,
  block INTEGER,
  created_at INTEGER NOT NULL,
  -- The counter-entry that took this one back, because the chain no longer has it.
  reversed_by INTEGER,
  FOREIGN KEY (debit, asset) REFERENCES accounts (name, asset),
  FOREIGN KEY (credit, asset) REFERENCES accounts (name, asset),
  CONSTRAINT sides CHECK (debit <> credit),
  CONSTRAINT amount CHECK (
    (amount GLOB '[1-9]*' AND amount NOT GLOB '*[^0-9]*') OR (amount = '0' AND tx IS NOT NULL)
  ),
  -- Which accounts each kind moves between: the table in gateway/ledger/README.md.
  CONSTRAINT entry CHECK (
    CASE kind
      WHEN 'voucher' THEN debit = 'channel:' || channel_id AND credit = 'prepaid:' || channel_id
      WHEN 'capture' THEN payment_id IS NOT NULL AND (credit GLOB 'revenue:*' OR credit GLOB 'wallet:*')
        AND CASE WHEN channel_id IS NULL THEN debit GLOB 'wallet:*' ELSE debit = 'prepaid:' || channel_id END
      WHEN 'convert' THEN debit = 'prepaid:' || channel_id AND credit GLOB 'wallet:*'
      WHEN 'settle' THEN debit = 'treasury' AND credit = 'channel:' || channel_id
      WHEN 'charge' THEN debit = 'treasury' AND (credit GLOB 'revenue:*' OR credit GLOB 'wallet:*')
      WHEN 'credit' THEN debit = 'treasury' AND credit GLOB 'wallet:*'
      WHEN 'refund' THEN (debit GLOB 'revenue:*' OR debit GLOB 'wallet:*') AND credit GLOB 'wallet:*'
      WHEN 'loss' THEN debit = 'loss' AND credit GLOB 'revenue:*'
      WHEN 'recovery' THEN debit = 'treasury' AND credit = 'loss'
      WHEN 'release' THEN debit = 'prepaid:' || channel_id AND credit = 'channel:' || channel_id
      WHEN 'reinstate' THEN debit = 'channel:' || channel_id AND credit IN ('prepaid:' || channel_id, 'loss')
      WHEN 'write-off' THEN debit = 'loss' AND credit = 'channel:' || channel_id
      WHEN 'reversal' THEN (
          credit = 'treasury'
          AND (debit GLOB 'debt:*' OR debit GLOB 'wallet:*' OR debit = 'loss' OR debit = 'channel:' || channel_id)
        ) OR (debit GLOB 'debt:*' AND credit = 'channel:' || channel_id)
        OR (debit = 'treasury' AND credit GLOB 'wallet:*' AND withdrawal_id IS NOT NULL)
      WHEN 'restore' THEN (debit = 'treasury' AND credit GLOB 'wallet:*')
        OR (debit = 'channel:' || channel_id AND (credit GLOB 'debt:*' OR credit GLOB 'wallet:*'))
      WHEN 'repay' THEN debit = 'wallet:' || substr(credit, 6) AND credit GLOB 'debt:*'
      WHEN 'withdrawal' THEN debit GLOB 'wallet:*' AND credit = 'treasury'
      WHEN 'advance' THEN credit GLOB 'wallet:*' AND debit IN ('loss', 'debt:' || substr(credit, 8))
      ELSE 0
    END
  ),
  CONSTRAINT subject CHECK (
    (payment_id IS NOT NULL OR channel_id IS NOT NULL OR withdrawal_id IS NOT NULL OR kind = 'repay')
    AND (kind NOT IN ('withdrawal', 'advance') OR withdrawal_id IS NOT NULL)
    AND (withdrawal_id IS NULL OR kind = 'withdrawal' OR kind = 'advance' OR kind = 'reversal')
  ),
  CONSTRAINT chain CHECK (
    (tx IS NULL) = (chain_id IS NULL)
    AND (tx IS NULL) = (log_index IS NULL)
    AND (tx IS NULL) = (block IS NULL)
    AND (tx IS NOT NULL) = (
      kind = 'settle' OR kind = 'charge' OR kind = 'credit' OR kind = 'recovery' OR kind = 'withdrawal'
      OR (kind = 'restore' AND debit = 'treasury')
    )
  )
) STRICT;
INSERT INTO transfers_next (id, debit, credit, asset, amount, kind, payment_id, channel_id, withdrawal_id, chain_id, tx, log_index,
  block, created_at, reversed_by)
  SELECT id, debit, credit, asset, amount, kind, payment_id, channel_id, withdrawal_id, chain_id, tx, log_index,
    block, created_at, reversed_by
  FROM transfers ORDER BY id;
DROP TABLE transfers;
ALTER TABLE transfers_next RENAME TO transfers;
CREATE UNIQUE INDEX transfers_by_chain ON transfers (chain_id, tx, log_index)
  WHERE tx IS NOT NULL AND reversed_by IS NULL;
CREATE INDEX transfers_by_channel ON transfers (channel_id) WHERE kind IN ('capture', 'convert');
CREATE INDEX transfers_by_payment ON transfers (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX transfers_by_withdrawal ON transfers (withdrawal_id) WHERE withdrawal_id IS NOT NULL;
CREATE TRIGGER transfers_are_final
BEFORE UPDATE OF id, debit, credit, asset, amount, kind, payment_id, channel_id, withdrawal_id, chain_id, tx, log_index,
  block, created_at ON transfers
BEGIN SELECT RAISE(ABORT, 'a transfer is never changed: book a counter-entry'); END;
CREATE TRIGGER transfers_are_reversed_once BEFORE UPDATE OF reversed_by ON transfers
WHEN OLD.reversed_by IS NOT NULL OR OLD.tx IS NULL
BEGIN SELECT RAISE(ABORT, 'a transfer that stands on chain is reversed once'); END;
CREATE TRIGGER transfers_stay BEFORE DELETE ON transfers
BEGIN SELECT RAISE(ABORT, 'a transfer is never deleted: book a counter-entry'); END;

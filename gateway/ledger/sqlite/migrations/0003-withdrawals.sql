-- Withdrawals: credit that leaves again on chain. A withdrawal that is open reserves its amount of the wallet's account:
-- the row is the hold.
CREATE TABLE withdrawals (
  id TEXT PRIMARY KEY,
  wallet TEXT NOT NULL,
  asset TEXT NOT NULL,
  amount TEXT NOT NULL CHECK (amount GLOB '[1-9]*' AND amount NOT GLOB '*[^0-9]*'),
  recipient TEXT NOT NULL,
  state TEXT NOT NULL CHECK (
    state IN ('requested', 'held-for-operator', 'paying', 'unknown', 'paid', 'failed')
  ),
  -- What makes asking twice one withdrawal.
  key TEXT NOT NULL UNIQUE,
  -- Nonce of a signed request: works once for each wallet.
  nonce TEXT,
  tx TEXT,
  reason TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  open INTEGER NOT NULL GENERATED ALWAYS AS (state NOT IN ('paid', 'failed')) VIRTUAL,
  CONSTRAINT paid CHECK ((state = 'paid') = (tx IS NOT NULL))
) STRICT;
CREATE UNIQUE INDEX withdrawals_by_nonce ON withdrawals (wallet, nonce) WHERE nonce IS NOT NULL;
CREATE INDEX withdrawals_open ON withdrawals (open, created_at, id) WHERE open = 1;
CREATE INDEX withdrawals_by_asset ON withdrawals (asset, created_at);
CREATE INDEX withdrawals_by_wallet ON withdrawals (wallet, created_at);

CREATE TRIGGER withdrawals_end_once BEFORE UPDATE ON withdrawals
WHEN OLD.state IN ('paid', 'failed')
BEGIN SELECT RAISE(ABORT, 'a withdrawal ends once'); END;
CREATE TRIGGER withdrawals_keep_their_terms BEFORE UPDATE OF id, wallet, asset, amount, recipient, key, nonce ON withdrawals
BEGIN SELECT RAISE(ABORT, 'a withdrawal keeps its terms'); END;
CREATE TRIGGER withdrawals_stay BEFORE DELETE ON withdrawals
BEGIN SELECT RAISE(ABORT, 'a withdrawal is never deleted'); END;

-- How far a stream got, and whether that was all of it.
ALTER TABLE payments ADD COLUMN bytes INTEGER CHECK (bytes >= 0);
ALTER TABLE payments ADD COLUMN whole INTEGER CHECK (whole IN (0, 1));
-- Its answer may be released before its transfer is sent (order `after`): counts against the loss budget until settled.
ALTER TABLE payments ADD COLUMN at_risk INTEGER NOT NULL DEFAULT 0 CHECK (at_risk IN (0, 1));
CREATE INDEX payments_at_risk ON payments (asset, money, updated_at) WHERE at_risk = 1;

-- Transfers learn the kind `withdrawal`, which leaves the treasury.
CREATE TABLE transfers_next (
  id INTEGER PRIMARY KEY,
  debit TEXT NOT NULL,
  credit TEXT NOT NULL,
  asset TEXT NOT NULL,
  amount TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (
    kind IN (
      'voucher', 'capture', 'convert', 'settle', 'charge', 'credit', 'refund', 'loss', 'recovery',
      'release', 'reinstate', 'write-off', 'withdrawal'
    )
  ),
  payment_id TEXT REFERENCES payments (id),
  channel_id TEXT REFERENCES channels (id),
  withdrawal_id TEXT REFERENCES withdrawals (id),
  chain_id INTEGER,
  tx TEXT,
  log_index INTEGER,
  block INTEGER,
  created_at INTEGER NOT NULL,
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
      WHEN 'withdrawal' THEN debit GLOB 'wallet:*' AND credit = 'treasury'
      ELSE 0
    END
  ),
  CONSTRAINT subject CHECK (
    (payment_id IS NOT NULL OR channel_id IS NOT NULL OR withdrawal_id IS NOT NULL)
    AND (kind = 'withdrawal') = (withdrawal_id IS NOT NULL)
  ),
  CONSTRAINT chain CHECK (
    (tx IS NULL) = (chain_id IS NULL)
    AND (tx IS NULL) = (log_index IS NULL)
    AND (tx IS NULL) = (block IS NULL)
    AND (tx IS NOT NULL) = (kind IN ('settle', 'charge', 'credit', 'recovery', 'withdrawal'))
  )
) STRICT;
INSERT INTO transfers_next
  (id, debit, credit, asset, amount, kind, payment_id, channel_id, chain_id, tx, log_index, block, created_at)
  SELECT id, debit, credit, asset, amount, kind, payment_id, channel_id, chain_id, tx, log_index, block, created_at
  FROM transfers ORDER BY id;
DROP TABLE transfers;
ALTER TABLE transfers_next RENAME TO transfers;
CREATE UNIQUE INDEX transfers_by_chain ON transfers (chain_id, tx, log_index) WHERE tx IS NOT NULL;
CREATE INDEX transfers_by_payment ON transfers (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX transfers_by_channel ON transfers (channel_id) WHERE channel_id IS NOT NULL;
CREATE UNIQUE INDEX transfers_by_withdrawal ON transfers (withdrawal_id) WHERE withdrawal_id IS NOT NULL;
CREATE TRIGGER transfers_are_final BEFORE UPDATE ON transfers
BEGIN SELECT RAISE(ABORT, 'a transfer is never changed: book a counter-entry'); END;
CREATE TRIGGER transfers_stay BEFORE DELETE ON transfers
BEGIN SELECT RAISE(ABORT, 'a transfer is never deleted: book a counter-entry'); END;

-- Intents learn the kind `withdrawal`.
CREATE TABLE intents_next (
  id TEXT PRIMARY KEY,
  chain_id INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('charge', 'open', 'top-up', 'settle', 'close', 'withdrawal')),
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

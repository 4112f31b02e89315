-- What a chain takes back: closes and settlements of channels, payouts, and blocks without anything of ours in them.

-- Blocks that the watcher has read up to, by their hashes: where one of them is another one now, what was read from there on
-- is read again. As far back as a reorganisation may reach.
CREATE TABLE read_blocks (
  chain_id INTEGER NOT NULL,
  block INTEGER NOT NULL CHECK (block >= 0),
  block_hash TEXT NOT NULL CHECK (length(block_hash) = 66),
  PRIMARY KEY (chain_id, block)
) STRICT, WITHOUT ROWID;

-- Anchors learn the kind `close`.
CREATE TABLE anchors_kept AS SELECT * FROM anchors;
DROP TABLE anchors;
CREATE TABLE anchors (
  id INTEGER PRIMARY KEY,
  chain_id INTEGER NOT NULL,
  tx TEXT NOT NULL,
  log_index INTEGER NOT NULL,
  block INTEGER NOT NULL,
  block_hash TEXT NOT NULL CHECK (length(block_hash) = 66),
  kind TEXT NOT NULL CHECK (kind IN ('charge', 'settle', 'deposit', 'close', 'withdrawal')),
  -- Payment, channel or withdrawal.
  subject TEXT NOT NULL,
  asset TEXT NOT NULL,
  amount TEXT NOT NULL CHECK (amount = '0' OR (amount GLOB '[1-9]*' AND amount NOT GLOB '*[^0-9]*')),
  state TEXT NOT NULL CHECK (state IN ('standing', 'missing', 'reversed', 'final')),
  reason TEXT,
  updated_at INTEGER NOT NULL,
  UNIQUE (chain_id, tx, kind, subject)
) STRICT;
INSERT INTO anchors
  (id, chain_id, tx, log_index, block, block_hash, kind, subject, asset, amount, state, reason, updated_at)
  SELECT id, chain_id, tx, log_index, block, block_hash, kind, subject, asset, amount, state, reason, updated_at
  FROM anchors_kept ORDER BY id;
DROP TABLE anchors_kept;
CREATE INDEX anchors_watched ON anchors (chain_id, block, id) WHERE state <> 'final';
CREATE INDEX anchors_by_subject ON anchors (subject);

-- How often the chain took a deposit, a settlement or the close of a channel back: only then has the channel less of it.
ALTER TABLE channels ADD COLUMN taken_back INTEGER NOT NULL DEFAULT 0;
DROP TRIGGER channels_only_grow;
CREATE TRIGGER channels_only_grow BEFORE UPDATE ON channels
WHEN (length(NEW.accepted), NEW.accepted) < (length(OLD.accepted), OLD.accepted)
  OR (length(NEW.spent), NEW.spent) < (length(OLD.spent), OLD.spent)
  OR NEW.taken_back <= OLD.taken_back AND (
    (length(NEW.deposit), NEW.deposit) < (length(OLD.deposit), OLD.deposit)
    OR (length(NEW.settled), NEW.settled) < (length(OLD.settled), OLD.settled)
    OR NEW.finalized < OLD.finalized
  )
BEGIN SELECT RAISE(ABORT, 'a channel only grows'); END;

-- How often the end of a withdrawal turned out not to be its end. `moved`: what left the payee for it, where that is not what
-- was asked for and an operator decided.
ALTER TABLE withdrawals ADD COLUMN taken_back INTEGER NOT NULL DEFAULT 0;
ALTER TABLE withdrawals ADD COLUMN moved TEXT CHECK (moved GLOB '[1-9]*' AND moved NOT GLOB '*[^0-9]*');
DROP TRIGGER withdrawals_end_once;
CREATE TRIGGER withdrawals_end_once BEFORE UPDATE ON withdrawals
WHEN OLD.state IN ('paid', 'failed') AND NEW.taken_back <= OLD.taken_back
BEGIN SELECT RAISE(ABORT, 'a withdrawal ends once'); END;

-- Whose a mined transaction is.
CREATE INDEX attempts_by_hash ON intent_attempts (hash);

-- Transfers learn the kind `advance`: what a payout took beyond the wallet's credit. A payout may be taken back, or be made
-- a second time by the chain.
CREATE TABLE transfers_kept AS SELECT * FROM transfers;
DROP TABLE transfers;
CREATE TABLE transfers (
  id INTEGER PRIMARY KEY,
  debit TEXT NOT NULL,
  credit TEXT NOT NULL,
  asset TEXT NOT NULL,
  amount TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (
    kind IN (
      'voucher', 'capture', 'convert', 'settle', 'charge', 'credit', 'refund', 'loss', 'recovery',
      'release', 'reinstate', 'write-off', 'withdrawal', 'reversal', 'restore', 'repay', 'advance'
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
    AND (withdrawal_id IS NULL OR kind IN ('withdrawal', 'advance', 'reversal'))
  ),
  CONSTRAINT chain CHECK (
    (tx IS NULL) = (chain_id IS NULL)
    AND (tx IS NULL) = (log_index IS NULL)
    AND (tx IS NULL) = (block IS NULL)
    AND (tx IS NOT NULL) = (
      kind IN ('settle', 'charge', 'credit', 'recovery', 'withdrawal') OR (kind = 'restore' AND debit = 'treasury')
    )
  )
) STRICT;
INSERT INTO transfers
  (id, debit, credit, asset, amount, kind, payment_id, channel_id, withdrawal_id, chain_id, tx, log_index,
  block, created_at, reversed_by)
  SELECT id, debit, credit, asset, amount, kind, payment_id, channel_id, withdrawal_id, chain_id, tx, log_index,
  block, created_at,
  reversed_by
  FROM transfers_kept ORDER BY id;
DROP TABLE transfers_kept;
CREATE UNIQUE INDEX transfers_by_chain ON transfers (chain_id, tx, log_index)
  WHERE tx IS NOT NULL AND reversed_by IS NULL;
CREATE INDEX transfers_by_payment ON transfers (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX transfers_by_channel ON transfers (channel_id) WHERE kind IN ('capture', 'convert');
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

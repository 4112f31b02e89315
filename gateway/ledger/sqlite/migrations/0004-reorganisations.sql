-- Reorganisations, exposure and the gas budget.

-- What the books rely on of the chain: a movement and the block it stands in. Watched until it is `final`, so deep that it
-- stays. `missing`: the chain does not have it now. `reversed`: taken back in the books; it may come back while it can.
CREATE TABLE anchors (
  id INTEGER PRIMARY KEY,
  chain_id INTEGER NOT NULL,
  tx TEXT NOT NULL,
  log_index INTEGER NOT NULL,
  block INTEGER NOT NULL,
  block_hash TEXT NOT NULL CHECK (length(block_hash) = 66),
  kind TEXT NOT NULL CHECK (kind IN ('charge', 'settle', 'deposit', 'withdrawal')),
  -- Payment, channel or withdrawal.
  subject TEXT NOT NULL,
  asset TEXT NOT NULL,
  amount TEXT NOT NULL CHECK (amount = '0' OR (amount GLOB '[1-9]*' AND amount NOT GLOB '*[^0-9]*')),
  state TEXT NOT NULL CHECK (state IN ('standing', 'missing', 'reversed', 'final')),
  reason TEXT,
  updated_at INTEGER NOT NULL,
  UNIQUE (chain_id, tx, kind, subject)
) STRICT;
CREATE INDEX anchors_watched ON anchors (chain_id, block, id) WHERE state <> 'final';
CREATE INDEX anchors_by_subject ON anchors (subject);

-- What is unsettled in all, by asset: spent or reserved on channels, and not on chain. Kept beside the accounts it sums.
CREATE TABLE exposure (
  asset TEXT PRIMARY KEY,
  unsettled TEXT NOT NULL CHECK (unsettled = '0' OR (unsettled GLOB '[1-9]*' AND unsettled NOT GLOB '*[^0-9]*'))
) STRICT, WITHOUT ROWID;

-- Deposits whose gas we paid, or are about to pay. `newcomer`: the payer had bought nothing here yet.
CREATE TABLE relays (
  id INTEGER PRIMARY KEY,
  payer TEXT NOT NULL,
  newcomer INTEGER NOT NULL CHECK (newcomer IN (0, 1)),
  at INTEGER NOT NULL
) STRICT;
CREATE INDEX relays_by_payer ON relays (payer, at);
CREATE INDEX relays_by_time ON relays (at);
CREATE INDEX relays_by_newcomer ON relays (newcomer, at);

-- How much of its deposit a channel lacks on chain since a reorganisation, and how much of what was spent on it is its
-- payer's debt for that reason.
ALTER TABLE channels ADD COLUMN deposit_missing TEXT NOT NULL DEFAULT '0' CHECK (
  deposit_missing = '0' OR (deposit_missing GLOB '[1-9]*' AND deposit_missing NOT GLOB '*[^0-9]*')
);
ALTER TABLE channels ADD COLUMN in_debt TEXT NOT NULL DEFAULT '0' CHECK (
  in_debt = '0' OR (in_debt GLOB '[1-9]*' AND in_debt NOT GLOB '*[^0-9]*')
);

-- Its money had moved (`money` says how) and the chain took that back.
ALTER TABLE payments ADD COLUMN reversed INTEGER NOT NULL DEFAULT 0 CHECK (reversed IN (0, 1));

-- Accounts learn debts: minus what a wallet owes for what it was given and has not paid. Transfers learn the kinds
-- `reversal`, `restore` and `repay`, and what took them back.
CREATE TABLE transfers_kept AS SELECT * FROM transfers;
DROP TABLE transfers;
CREATE TABLE holds_kept AS SELECT * FROM holds;
DROP TABLE holds;

CREATE TABLE accounts_next (
  name TEXT NOT NULL,
  asset TEXT NOT NULL,
  posted TEXT NOT NULL CHECK (
    posted = '0'
    OR (posted GLOB '[1-9]*' AND posted NOT GLOB '*[^0-9]*')
    OR (posted GLOB '-[1-9]*' AND substr(posted, 2) NOT GLOB '*[^0-9]*')
  ),
  pending TEXT NOT NULL CHECK (pending = '0' OR (pending GLOB '[1-9]*' AND pending NOT GLOB '*[^0-9]*')),
  PRIMARY KEY (name, asset),
  CONSTRAINT sign CHECK (
    CASE
      WHEN name IN ('treasury', 'loss') OR name GLOB 'channel:*' OR name GLOB 'debt:*' THEN posted = '0' OR posted GLOB '-*'
      ELSE posted NOT GLOB '-*'
    END
  ),
  CONSTRAINT held CHECK (
    pending = '0'
    OR (posted NOT GLOB '-*' AND (length(pending), pending) <= (length(posted), posted))
  )
) STRICT, WITHOUT ROWID;
INSERT INTO accounts_next (name, asset, posted, pending) SELECT name, asset, posted, pending FROM accounts;
DROP TABLE accounts;
ALTER TABLE accounts_next RENAME TO accounts;

CREATE TABLE holds (
  id INTEGER PRIMARY KEY,
  payment_id TEXT NOT NULL REFERENCES payments (id),
  account TEXT NOT NULL,
  asset TEXT NOT NULL,
  amount TEXT NOT NULL CHECK (amount GLOB '[1-9]*' AND amount NOT GLOB '*[^0-9]*'),
  state TEXT NOT NULL CHECK (state IN ('pending', 'posted', 'voided')),
  FOREIGN KEY (account, asset) REFERENCES accounts (name, asset)
) STRICT;
INSERT INTO holds (id, payment_id, account, asset, amount, state)
  SELECT id, payment_id, account, asset, amount, state FROM holds_kept ORDER BY id;
DROP TABLE holds_kept;
CREATE INDEX holds_by_payment ON holds (payment_id) WHERE state = 'pending';
CREATE INDEX holds_by_account ON holds (account, asset) WHERE state = 'pending';

CREATE TRIGGER holds_end_once BEFORE UPDATE ON holds
WHEN OLD.state <> 'pending'
BEGIN SELECT RAISE(ABORT, 'a hold ends once'); END;
CREATE TRIGGER holds_stay BEFORE DELETE ON holds
BEGIN SELECT RAISE(ABORT, 'a hold is never deleted'); END;

CREATE TABLE transfers (
  id INTEGER PRIMARY KEY,
  debit TEXT NOT NULL,
  credit TEXT NOT NULL,
  asset TEXT NOT NULL,
  amount TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (
    kind IN (
      'voucher', 'capture', 'convert', 'settle', 'charge', 'credit', 'refund', 'loss', 'recovery',
      'release', 'reinstate', 'write-off', 'withdrawal', 'reversal', 'restore', 'repay'
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
      WHEN 'restore' THEN (debit = 'treasury' AND credit GLOB 'wallet:*')
        OR (debit = 'channel:' || channel_id AND (credit GLOB 'debt:*' OR credit GLOB 'wallet:*'))
      WHEN 'repay' THEN debit = 'wallet:' || substr(credit, 6) AND credit GLOB 'debt:*'
      WHEN 'withdrawal' THEN debit GLOB 'wallet:*' AND credit = 'treasury'
      ELSE 0
    END
  ),
  CONSTRAINT subject CHECK (
    (payment_id IS NOT NULL OR channel_id IS NOT NULL OR withdrawal_id IS NOT NULL OR kind = 'repay')
    AND (kind = 'withdrawal') = (withdrawal_id IS NOT NULL)
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
  (id, debit, credit, asset, amount, kind, payment_id, channel_id, withdrawal_id, chain_id, tx, log_index, block,
  created_at)
  SELECT id, debit, credit, asset, amount, kind, payment_id, channel_id, withdrawal_id, chain_id, tx, log_index, block,
  created_at
  FROM transfers_kept ORDER BY id;
DROP TABLE transfers_kept;
CREATE UNIQUE INDEX transfers_by_chain ON transfers (chain_id, tx, log_index)
  WHERE tx IS NOT NULL AND reversed_by IS NULL;
CREATE INDEX transfers_by_payment ON transfers (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX transfers_by_channel ON transfers (channel_id) WHERE channel_id IS NOT NULL;
CREATE UNIQUE INDEX transfers_by_withdrawal ON transfers (withdrawal_id) WHERE withdrawal_id IS NOT NULL;
CREATE TRIGGER transfers_are_final
BEFORE UPDATE OF id, debit, credit, asset, amount, kind, payment_id, channel_id, withdrawal_id, chain_id, tx, log_index,
  block, created_at ON transfers
BEGIN SELECT RAISE(ABORT, 'a transfer is never changed: book a counter-entry'); END;
CREATE TRIGGER transfers_are_reversed_once BEFORE UPDATE OF reversed_by ON transfers
WHEN OLD.reversed_by IS NOT NULL OR OLD.tx IS NULL
BEGIN SELECT RAISE(ABORT, 'a transfer that stands on chain is reversed once'); END;
CREATE TRIGGER transfers_stay BEFORE DELETE ON transfers
BEGIN SELECT RAISE(ABORT, 'a transfer is never deleted: book a counter-entry'); END;

-- What a call changes of its channel stands in one row: its counters, the balances of its two accounts, its vouchers and the last
-- transfer that spent of it. In tables of their own each was a page more that a call read and wrote.
DROP TRIGGER channels_only_grow;
DROP TRIGGER channels_stay;
CREATE TABLE channels_next (
  id TEXT PRIMARY KEY,
  chain_id INTEGER NOT NULL,
  escrow TEXT NOT NULL,
  payer TEXT NOT NULL,
  payee TEXT NOT NULL,
  token TEXT NOT NULL,
  asset TEXT NOT NULL,
  signer TEXT NOT NULL,
  deposit TEXT NOT NULL CHECK (deposit = '0' OR (deposit GLOB '[1-9]*' AND deposit NOT GLOB '*[^0-9]*')),
  settled TEXT NOT NULL CHECK (settled = '0' OR (settled GLOB '[1-9]*' AND settled NOT GLOB '*[^0-9]*')),
  accepted TEXT NOT NULL CHECK (accepted = '0' OR (accepted GLOB '[1-9]*' AND accepted NOT GLOB '*[^0-9]*')),
  spent TEXT NOT NULL CHECK (spent = '0' OR (spent GLOB '[1-9]*' AND spent NOT GLOB '*[^0-9]*')),
  -- Balance of the account `channel:<id>`, which is never above zero, without its sign.
  owed TEXT NOT NULL DEFAULT '0' CHECK (owed = '0' OR (owed GLOB '[1-9]*' AND owed NOT GLOB '*[^0-9]*')),
  -- Balance of the account `prepaid:<id>`, and what of it calls in flight hold.
  prepaid TEXT NOT NULL DEFAULT '0' CHECK (prepaid = '0' OR (prepaid GLOB '[1-9]*' AND prepaid NOT GLOB '*[^0-9]*')),
  reserved TEXT NOT NULL DEFAULT '0' CHECK (reserved = '0' OR (reserved GLOB '[1-9]*' AND reserved NOT GLOB '*[^0-9]*')),
  -- Those that are kept, rising: [[cumulative, signature], ...].
  vouchers TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(vouchers)),
  -- The last transfer that spent of it. Each names the one before it.
  last_spend INTEGER,
  close_requested_at INTEGER,
  finalized INTEGER NOT NULL CHECK (finalized IN (0, 1)),
  opened_at INTEGER NOT NULL,
  unsettled_since INTEGER,
  last_used_at INTEGER NOT NULL,
  suspended TEXT,
  deposit_missing TEXT NOT NULL DEFAULT '0' CHECK (
    deposit_missing = '0' OR (deposit_missing GLOB '[1-9]*' AND deposit_missing NOT GLOB '*[^0-9]*')
  ),
  in_debt TEXT NOT NULL DEFAULT '0' CHECK (in_debt = '0' OR (in_debt GLOB '[1-9]*' AND in_debt NOT GLOB '*[^0-9]*')),
  taken_back INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT settled_within_spent CHECK ((length(settled), settled) <= (length(spent), spent)),
  CONSTRAINT spent_within_accepted CHECK ((length(spent), spent) <= (length(accepted), accepted)),
  CONSTRAINT accepted_within_deposit CHECK ((length(accepted), accepted) <= (length(deposit), deposit)),
  CONSTRAINT held CHECK ((length(reserved), reserved) <= (length(prepaid), prepaid)),
  CONSTRAINT unsettled CHECK ((unsettled_since IS NULL) = (spent = settled))
) STRICT, WITHOUT ROWID;
INSERT INTO channels_next (id, chain_id, escrow, payer, payee, token, asset, signer, deposit, settled, accepted, spent, owed,
  prepaid, reserved, vouchers, last_spend, close_requested_at, finalized, opened_at, unsettled_since, last_used_at, suspended,
  deposit_missing, in_debt, taken_back)
  SELECT id, chain_id, escrow, payer, payee, token, channels.asset, signer, deposit, settled, accepted, spent,
    coalesce(ltrim(own.posted, '-'), '0'), coalesce(service.posted, '0'), coalesce(service.pending, '0'),
    (
      SELECT json_group_array(json_array(cumulative, signature)) FROM (
        SELECT cumulative, signature FROM vouchers WHERE channel_id = channels.id ORDER BY length(cumulative), cumulative
      )
    ),
    (
      SELECT spending.id FROM transfers AS spending
      WHERE spending.channel_id = channels.id AND spending.kind IN ('capture', 'convert') ORDER BY spending.id DESC LIMIT 1
    ),
    close_requested_at, finalized, opened_at, unsettled_since, last_used_at, suspended, deposit_missing, in_debt, taken_back
  FROM channels
  LEFT JOIN accounts AS own ON own.name = 'channel:' || channels.id AND own.asset = channels.asset
  LEFT JOIN accounts AS service ON service.name = 'prepaid:' || channels.id AND service.asset = channels.asset
  ORDER BY id;

CREATE TABLE accounts_next (
  name TEXT NOT NULL CHECK (name NOT GLOB 'channel:*' AND name NOT GLOB 'prepaid:*'),
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
      WHEN name = 'treasury' OR name = 'loss' OR name GLOB 'debt:*' THEN posted = '0' OR posted GLOB '-*'
      ELSE posted NOT GLOB '-*'
    END
  ),
  CONSTRAINT held CHECK (
    pending = '0'
    OR (posted NOT GLOB '-*' AND (length(pending), pending) <= (length(posted), posted))
  )
) STRICT, WITHOUT ROWID;
INSERT INTO accounts_next (name, asset, posted, pending)
  SELECT name, asset, posted, pending FROM accounts WHERE name NOT GLOB 'channel:*' AND name NOT GLOB 'prepaid:*'
  ORDER BY name, asset;

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
  -- The transfer that spent of the same channel before this one.
  previous INTEGER,
  -- The account, where it has a row of its own: those of a channel stand in the channel's.
  debit_row TEXT GENERATED ALWAYS AS (
    CASE WHEN debit GLOB 'channel:*' OR debit GLOB 'prepaid:*' THEN NULL ELSE debit END
  ) VIRTUAL,
  credit_row TEXT GENERATED ALWAYS AS (
    CASE WHEN credit GLOB 'channel:*' OR credit GLOB 'prepaid:*' THEN NULL ELSE credit END
  ) VIRTUAL,
  FOREIGN KEY (debit_row, asset) REFERENCES accounts (name, asset),
  FOREIGN KEY (credit_row, asset) REFERENCES accounts (name, asset),
  CONSTRAINT previous CHECK (
    previous IS NULL OR (previous < id AND channel_id IS NOT NULL AND (kind = 'capture' OR kind = 'convert'))
  ),
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
  block, created_at, reversed_by, previous)
  SELECT id, debit, credit, asset, amount, kind, payment_id, channel_id, withdrawal_id, chain_id, tx, log_index,
    block, created_at, reversed_by,
    CASE WHEN channel_id IS NOT NULL AND kind IN ('capture', 'convert') THEN (
      SELECT spending.id FROM transfers AS spending
      WHERE spending.channel_id = transfers.channel_id AND spending.kind IN ('capture', 'convert')
        AND spending.id < transfers.id
      ORDER BY spending.id DESC LIMIT 1
    ) END
  FROM transfers ORDER BY id;

DROP TABLE transfers;
DROP TABLE vouchers;
DROP TABLE channels;
DROP TABLE accounts;
ALTER TABLE accounts_next RENAME TO accounts;
ALTER TABLE channels_next RENAME TO channels;
ALTER TABLE transfers_next RENAME TO transfers;

CREATE INDEX channels_by_end ON channels (finalized, opened_at);
CREATE INDEX channels_by_payer ON channels (payer, opened_at);
CREATE INDEX channels_by_unsettled ON channels (unsettled_since) WHERE unsettled_since IS NOT NULL;
CREATE INDEX channels_closing ON channels (close_requested_at) WHERE close_requested_at IS NOT NULL AND finalized = 0;
CREATE TRIGGER channels_only_grow BEFORE UPDATE ON channels
WHEN (length(NEW.accepted), NEW.accepted) < (length(OLD.accepted), OLD.accepted)
  OR (length(NEW.spent), NEW.spent) < (length(OLD.spent), OLD.spent)
  OR NEW.taken_back <= OLD.taken_back AND (
    (length(NEW.deposit), NEW.deposit) < (length(OLD.deposit), OLD.deposit)
    OR (length(NEW.settled), NEW.settled) < (length(OLD.settled), OLD.settled)
    OR NEW.finalized < OLD.finalized
  )
BEGIN SELECT RAISE(ABORT, 'a channel only grows'); END;
CREATE TRIGGER channels_stay BEFORE DELETE ON channels
BEGIN SELECT RAISE(ABORT, 'a channel is never deleted'); END;

CREATE UNIQUE INDEX transfers_by_chain ON transfers (chain_id, tx, log_index)
  WHERE tx IS NOT NULL AND reversed_by IS NULL;
CREATE INDEX transfers_by_payment ON transfers (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX transfers_by_withdrawal ON transfers (withdrawal_id) WHERE withdrawal_id IS NOT NULL;
CREATE TRIGGER transfers_are_final
BEFORE UPDATE OF id, debit, credit, asset, amount, kind, payment_id, channel_id, withdrawal_id, chain_id, tx, log_index,
  block, created_at, previous ON transfers
BEGIN SELECT RAISE(ABORT, 'a transfer is never changed: book a counter-entry'); END;
CREATE TRIGGER transfers_are_reversed_once BEFORE UPDATE OF reversed_by ON transfers
WHEN OLD.reversed_by IS NOT NULL OR OLD.tx IS NULL
BEGIN SELECT RAISE(ABORT, 'a transfer that stands on chain is reversed once'); END;
CREATE TRIGGER transfers_stay BEFORE DELETE ON transfers
BEGIN SELECT RAISE(ABORT, 'a transfer is never deleted: book a counter-entry'); END;

-- Every account, whichever table it stands in. One of a channel is there once a voucher was accepted.
CREATE VIEW balances AS
  SELECT name, asset, posted, pending FROM accounts
  UNION ALL
  SELECT 'channel:' || id, asset, iif(owed = '0', '0', '-' || owed), '0' FROM channels WHERE accepted <> '0'
  UNION ALL
  SELECT 'prepaid:' || id, asset, prepaid, reserved FROM channels WHERE accepted <> '0';

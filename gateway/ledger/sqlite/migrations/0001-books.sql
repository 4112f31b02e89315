-- The books. Amounts are TEXT: canonical decimal integers, exact at any size (INTEGER is 64-bit, too small for ten
-- tokens of 18 decimals). Two amounts that are not negative compare as (length, text).

-- Balances, kept beside the transfers they are the sum of. `posted`: credits minus debits. `pending`: held.
CREATE TABLE accounts (
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
      WHEN name IN ('treasury', 'loss') OR name GLOB 'channel:*' THEN posted = '0' OR posted GLOB '-*'
      ELSE posted NOT GLOB '-*'
    END
  ),
  CONSTRAINT held CHECK (
    pending = '0'
    OR (posted NOT GLOB '-*' AND (length(pending), pending) <= (length(posted), posted))
  )
) STRICT, WITHOUT ROWID;

-- What the gateway knows of each channel. What is reserved is the pending balance of `prepaid:<id>`.
CREATE TABLE channels (
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
  voucher_cumulative TEXT,
  voucher_signature TEXT,
  close_requested_at INTEGER,
  finalized INTEGER NOT NULL CHECK (finalized IN (0, 1)),
  opened_at INTEGER NOT NULL,
  unsettled_since INTEGER,
  last_used_at INTEGER NOT NULL,
  CONSTRAINT settled_within_spent CHECK ((length(settled), settled) <= (length(spent), spent)),
  CONSTRAINT spent_within_accepted CHECK ((length(spent), spent) <= (length(accepted), accepted)),
  CONSTRAINT accepted_within_deposit CHECK ((length(accepted), accepted) <= (length(deposit), deposit)),
  CONSTRAINT unsettled CHECK ((unsettled_since IS NULL) = (spent = settled)),
  CONSTRAINT voucher CHECK ((voucher_cumulative IS NULL) = (voucher_signature IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX channels_by_payer ON channels (payer, opened_at);
CREATE INDEX channels_by_end ON channels (finalized, opened_at);
CREATE INDEX channels_by_unsettled ON channels (unsettled_since) WHERE unsettled_since IS NOT NULL;

CREATE TRIGGER channels_only_grow BEFORE UPDATE ON channels
WHEN (length(NEW.deposit), NEW.deposit) < (length(OLD.deposit), OLD.deposit)
  OR (length(NEW.settled), NEW.settled) < (length(OLD.settled), OLD.settled)
  OR (length(NEW.accepted), NEW.accepted) < (length(OLD.accepted), OLD.accepted)
  OR (length(NEW.spent), NEW.spent) < (length(OLD.spent), OLD.spent)
BEGIN SELECT RAISE(ABORT, 'a channel only grows'); END;
CREATE TRIGGER channels_stay BEFORE DELETE ON channels
BEGIN SELECT RAISE(ABORT, 'a channel is never deleted'); END;

-- Vouchers worth settling with: the best one that is spent, and some above it.
CREATE TABLE vouchers (
  channel_id TEXT NOT NULL REFERENCES channels (id),
  cumulative TEXT NOT NULL CHECK (cumulative GLOB '[1-9]*' AND cumulative NOT GLOB '*[^0-9]*'),
  signature TEXT NOT NULL,
  PRIMARY KEY (channel_id, cumulative)
) STRICT, WITHOUT ROWID;

-- One payment for one call. `family` and `repeat`: a voucher's key that was used again is `<family>#<repeat>`.
CREATE TABLE payments (
  id TEXT PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  family TEXT NOT NULL,
  repeat INTEGER NOT NULL CHECK (repeat >= 0),
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
  UNIQUE (family, repeat),
  CONSTRAINT charged_within_amount CHECK ((length(charged), charged) <= (length(amount), amount)),
  CONSTRAINT channel CHECK ((rail = 'channel') = (channel_id IS NOT NULL)),
  CONSTRAINT void CHECK ((delivery = 'void') = (money = 'void')),
  CONSTRAINT uncharged CHECK (charged = '0' OR money IN ('captured', 'settled'))
) STRICT;
CREATE INDEX payments_by_call ON payments (family, fingerprint, repeat);
CREATE INDEX payments_by_transaction ON payments (tx) WHERE tx IS NOT NULL;
CREATE INDEX payments_open ON payments (open, created_at, id) WHERE open = 1;

CREATE TRIGGER payments_deliver_once BEFORE UPDATE OF delivery ON payments
WHEN OLD.delivery = 'delivered' AND NEW.delivery <> 'delivered'
BEGIN SELECT RAISE(ABORT, 'a delivered payment stays delivered'); END;
CREATE TRIGGER payments_keep_their_key BEFORE UPDATE OF id, key, family, repeat, fingerprint ON payments
BEGIN SELECT RAISE(ABORT, 'a payment keeps its id, key and fingerprint'); END;
CREATE TRIGGER payments_stay BEFORE DELETE ON payments
BEGIN SELECT RAISE(ABORT, 'a payment is never deleted'); END;

-- Every movement, once and for all. A chain reference (chain, transaction, log) is booked once.
CREATE TABLE transfers (
  id INTEGER PRIMARY KEY,
  debit TEXT NOT NULL,
  credit TEXT NOT NULL,
  asset TEXT NOT NULL,
  amount TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (
    kind IN (
      'voucher', 'capture', 'convert', 'settle', 'charge', 'credit', 'refund', 'loss', 'recovery',
      'release', 'reinstate', 'write-off'
    )
  ),
  payment_id TEXT REFERENCES payments (id),
  channel_id TEXT REFERENCES channels (id),
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
      ELSE 0
    END
  ),
  CONSTRAINT subject CHECK (payment_id IS NOT NULL OR channel_id IS NOT NULL),
  CONSTRAINT chain CHECK (
    (tx IS NULL) = (chain_id IS NULL)
    AND (tx IS NULL) = (log_index IS NULL)
    AND (tx IS NULL) = (block IS NULL)
    AND (tx IS NOT NULL) = (kind IN ('settle', 'charge', 'credit', 'recovery'))
  )
) STRICT;
CREATE UNIQUE INDEX transfers_by_chain ON transfers (chain_id, tx, log_index) WHERE tx IS NOT NULL;
CREATE INDEX transfers_by_payment ON transfers (payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX transfers_by_channel ON transfers (channel_id) WHERE channel_id IS NOT NULL;

CREATE TRIGGER transfers_are_final BEFORE UPDATE ON transfers
BEGIN SELECT RAISE(ABORT, 'a transfer is never changed: book a counter-entry'); END;
CREATE TRIGGER transfers_stay BEFORE DELETE ON transfers
BEGIN SELECT RAISE(ABORT, 'a transfer is never deleted: book a counter-entry'); END;

-- Two-phase transfers: pending, then posted or voided. A payment has one, or two when a settlement split it.
CREATE TABLE holds (
  id INTEGER PRIMARY KEY,
  payment_id TEXT NOT NULL REFERENCES payments (id),
  account TEXT NOT NULL,
  asset TEXT NOT NULL,
  amount TEXT NOT NULL CHECK (amount GLOB '[1-9]*' AND amount NOT GLOB '*[^0-9]*'),
  state TEXT NOT NULL CHECK (state IN ('pending', 'posted', 'voided')),
  FOREIGN KEY (account, asset) REFERENCES accounts (name, asset)
) STRICT;
CREATE INDEX holds_by_payment ON holds (payment_id) WHERE state = 'pending';
CREATE INDEX holds_by_account ON holds (account, asset) WHERE state = 'pending';

CREATE TRIGGER holds_end_once BEFORE UPDATE ON holds
WHEN OLD.state <> 'pending'
BEGIN SELECT RAISE(ABORT, 'a hold ends once'); END;
CREATE TRIGGER holds_stay BEFORE DELETE ON holds
BEGIN SELECT RAISE(ABORT, 'a hold is never deleted'); END;

-- Answers kept for those who ask again with the same credential. Bytes are opaque here.
CREATE TABLE answers (
  payment_id TEXT PRIMARY KEY REFERENCES payments (id),
  sealed BLOB NOT NULL,
  stored_at INTEGER NOT NULL
) STRICT;
CREATE INDEX answers_by_age ON answers (stored_at);

-- Transactions that may have been sent, signed: the very same one may be sent again.
CREATE TABLE intents (
  id TEXT PRIMARY KEY,
  chain_id INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('charge', 'open', 'top-up', 'settle', 'close')),
  sender TEXT NOT NULL,
  nonce INTEGER NOT NULL,
  raw TEXT NOT NULL,
  hash TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('intended', 'sent', 'succeeded', 'reverted', 'dropped')),
  reason TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX intents_open ON intents (state, created_at) WHERE state IN ('intended', 'sent');

CREATE TABLE intent_subjects (
  intent_id TEXT NOT NULL REFERENCES intents (id),
  position INTEGER NOT NULL,
  subject TEXT NOT NULL,
  PRIMARY KEY (intent_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX intent_subjects_by_subject ON intent_subjects (subject);

-- The next block that the watcher must read.
CREATE TABLE cursors (
  chain_id INTEGER PRIMARY KEY,
  block INTEGER NOT NULL CHECK (block >= 0)
) STRICT;

CREATE TABLE nonces (
  nonce TEXT PRIMARY KEY,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX nonces_by_end ON nonces (expires_at);

CREATE TABLE sessions (
  token_hash TEXT PRIMARY KEY,
  wallet TEXT NOT NULL,
  chain_id INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_end ON sessions (expires_at);

-- A channel's row is long, and a table WITHOUT ROWID keeps some of its rows in the pages that lead to the others: with six rows in each, those
-- were 24,000 pages for a million channels, more than are cached, and most calls wrote one. Now rows lie
-- in the order in which channels were opened, so that those in use lie together, and `id` is an index that a call only reads.
DROP VIEW balances;
DROP TRIGGER channels_only_grow;
DROP TRIGGER channels_stay;
CREATE TABLE channels_next (
  id TEXT NOT NULL PRIMARY KEY,
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
) STRICT;
INSERT INTO channels_next
  (id, chain_id, escrow, payer, payee, token, asset, signer, deposit, settled, accepted, spent, owed, prepaid,
    reserved, vouchers, last_spend, close_requested_at, finalized, opened_at, unsettled_since, last_used_at, suspended,
    deposit_missing, in_debt, taken_back)
  SELECT id, chain_id, escrow, payer, payee, token, asset, signer, deposit, settled, accepted, spent, owed, prepaid,
    reserved, vouchers, last_spend, close_requested_at, finalized, opened_at, unsettled_since, last_used_at, suspended,
    deposit_missing, in_debt, taken_back
  FROM channels ORDER BY opened_at, id;
DROP TABLE channels;
ALTER TABLE channels_next RENAME TO channels;

CREATE INDEX channels_by_end ON channels (finalized, opened_at, id);
CREATE INDEX channels_by_payer ON channels (payer, opened_at);
CREATE INDEX channels_by_unsettled ON channels (unsettled_since, id) WHERE unsettled_since IS NOT NULL;
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

CREATE VIEW balances AS
  SELECT name, asset, posted, pending FROM accounts
  UNION ALL
  SELECT 'channel:' || id, asset, iif(owed = '0', '0', '-' || owed), '0' FROM channels WHERE accepted <> '0'
  UNION ALL
  SELECT 'prepaid:' || id, asset, prepaid, reserved FROM channels WHERE accepted <> '0';

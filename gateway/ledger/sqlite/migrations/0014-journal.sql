-- What groups of operations made of the books, until the tables have it (`README.md`, "The journal"). Each row is one group.
CREATE TABLE journal (
  seq INTEGER PRIMARY KEY,
  -- [[statement, value, ...], ...]
  body TEXT NOT NULL
) STRICT;

-- A process of an older version does not look into the journal. It is registered no more, so it writes nothing, and ends.
DELETE FROM instances;

-- What groups of operations made of the books, until the tables have it (`README.md`, "The journal"). Each row is one group.
CREATE TABLE journal (
  seq INTEGER PRIMARY KEY,
  -- [[statement, value, ...], ...]
  body TEXT NOT NULL
) STRICT;

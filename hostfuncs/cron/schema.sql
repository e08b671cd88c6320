CREATE TABLE crons (
  id         INTEGER PRIMARY KEY,
  app        TEXT NOT NULL,
  expression TEXT NOT NULL,
  since      INTEGER NOT NULL, -- when the expression was first seen; milliseconds since the Unix epoch
  UNIQUE (app, expression)
) STRICT;

-- The ticks that have been run or are being run.
CREATE TABLE ticks (
  cron INTEGER NOT NULL REFERENCES crons (id) ON DELETE CASCADE,
  tick INTEGER NOT NULL, -- the minute it was due at, in milliseconds since the Unix epoch
  PRIMARY KEY (cron, tick)
) STRICT, WITHOUT ROWID;

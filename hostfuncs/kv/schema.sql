-- A key is kept as text so that a person can read the file, and compared by its bytes. The row has an id of its own (rather than being
-- filed under the key) because values over about 1 KB are read several times faster that way, and because a large value can
-- then be read and written piece by piece. expiration is in seconds since the Unix epoch.
CREATE TABLE entries (
	id         INTEGER PRIMARY KEY,
	key        TEXT NOT NULL UNIQUE,
	expiration INTEGER,
	metadata   TEXT,
	value      BLOB NOT NULL
) STRICT;

CREATE INDEX entries_expiration ON entries (expiration) WHERE expiration IS NOT NULL;

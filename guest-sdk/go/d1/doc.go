// Package d1 asks D1 databases, which are SQLite databases that several functions and people can share.
//
//	const db = d1.Database("DB")
//
//	var byName = db.Prepare("SELECT id, price FROM product WHERE name = ?")
//
//	result, err := byName.Bind("tea").All()
//	if err != nil { ... }
//	for row := range result.Rows() {
//		var id int64
//		var price float64
//		if err := row.Scan(&id, &price); err != nil { ... }
//	}
//
// Statements are values: [Statement.Bind] makes a new one, so a prepared statement can be a package variable and be bound as often as
// needed. Whatever is wrong with a statement, the types of its values included, is reported when it is run.
//
// No row is a normal answer, so [Statement.First] returns (row, ok, err). Failures are [*abi.Error] with the platform's exact text, such as
// "D1_ERROR: UNIQUE constraint failed: t.id: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_PRIMARYKEY)"; errors.Is(err,
// abi.CodeStorageFull) and the like tell their kind.
//
// # Types
//
// Bind takes nil (NULL), bool (1 and 0), every integer type (INTEGER), float32 and float64 (REAL), string (TEXT), []byte (BLOB; a nil one is NULL), and
// pointers to bool, int, int64, float64 and string (NULL when nil). Other types, time.Time among them, are refused: say in
// which form you want to store them, such as t.UnixMilli() or t.Format(time.RFC3339).
//
// Values come back as int64, float64, string, []byte or nil. [Row.Scan] converts them where nothing is lost; see there.
//
// # Waiting
//
// Every operation blocks only its goroutine. The Async methods start one and return a future, so that several run at once without
// goroutines. Statements that belong together belong into one [Database.Batch], which is one transaction and one call.
package d1

package d1

import (
	"errors"
	"fmt"
	"strings"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

// Prefixes of the messages that guests see.
const (
	prefixQuery = "D1_ERROR: "
	prefixExec  = "D1_EXEC_ERROR: "
)

// Texts of the platform for what is refused before or beside SQLite.
const (
	textNoStatements = "No SQL statements detected."
	textNoStatement  = "SQL code did not contain a statement."
	textOnlyLast     = "When executing multiple SQL statements in a single call, only the last statement can have parameters."
	textWrongCount   = "Wrong number of parameter bindings for SQL query."
	textTooLong      = "statement too long: SQLITE_TOOBIG"
	textOutOfMemory  = "out of memory: SQLITE_NOMEM"
	textRefused      = "not authorized: SQLITE_AUTH"
	textTimeout      = "D1 DB storage operation exceeded timeout which caused object to be reset."
	textTransaction  = "To execute a transaction, please use the state.storage.transaction() or state.storage.transactionSync() APIs instead of the SQL BEGIN TRANSACTION or SAVEPOINT statements. The JavaScript API is safer because it will automatically roll back on exceptions, and because it interacts correctly with Durable Objects' automatic atomic write coalescing."
	textForeignKey   = "FOREIGN KEY constraint failed: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_FOREIGNKEY)"
)

// errWriter says that a query cannot be run by a reading connection.
var errWriter = errors.New("the query needs the writing connection")

// refuse makes an error for the guest.
func refuse(code abi.Code, text string) error {
	return &abi.Error{Code: code, Message: prefixQuery + text}
}

// asExec gives an error of [Database.Exec] its form: everything is said to have happened in the first line.
func asExec(err error, line string) error {
	var public *abi.Error
	if !errors.As(err, &public) {
		return err
	}
	text, ok := strings.CutPrefix(public.Message, prefixQuery)
	if !ok {
		return err
	}
	return hostfuncs.Fail(public.Code, prefixExec+"Error in line 1: "+line+": "+text, err)
}

// sqlError turns what SQLite says about a guest's statement into what the guest is told. What is not the guest's doing (a full disk, a lock, a
// damaged file) stays as it is, for [sqlite.DB.Public].
func sqlError(err error, sql string) error {
	code, extended := codes(err)
	if code == 0 || !isGuests(code, extended) {
		return err
	}
	text := message(err, code, extended)
	var e *sqlite3.Error
	if errors.As(err, &e) && e.SQL() != "" {
		text += fmt.Sprintf(" at offset %d", len(sql)-len(e.SQL()))
	}
	text += ": " + codeNames[code]
	if name := extendedNames[extended]; name != "" {
		text += " (extended: " + name + ")"
	}
	public := abi.CodeInvalidArgument
	if code == sqlite3.TOOBIG {
		public = abi.CodeTooLarge
	}
	return hostfuncs.Fail(public, prefixQuery+text, err)
}

// codes are the primary and the extended code of an error of SQLite; 0 when it is none.
func codes(err error) (sqlite3.ErrorCode, sqlite3.ExtendedErrorCode) {
	var extended sqlite3.ExtendedErrorCode
	if errors.As(err, &extended) {
		return extended.Code(), extended
	}
	return 0, 0
}

// isGuests says whether an error is about the statement rather than the storage.
func isGuests(code sqlite3.ErrorCode, extended sqlite3.ExtendedErrorCode) bool {
	switch code {
	case sqlite3.FULL, sqlite3.IOERR, sqlite3.BUSY, sqlite3.CANTOPEN, sqlite3.PROTOCOL, sqlite3.NOTADB, sqlite3.NOMEM,
		sqlite3.INTERRUPT, sqlite3.INTERNAL, sqlite3.MISUSE:
		return false
	case sqlite3.CORRUPT:
		return extended == sqlite3.CORRUPT_VTAB // a full-text index whose owner broke it
	}
	return true
}

// message is SQLite's text for an error, which the driver puts behind the name of the code.
func message(err error, code sqlite3.ErrorCode, extended sqlite3.ExtendedErrorCode) string {
	text := err.Error()
	if code != sqlite3.LOCKED { // whose texts begin with the name of the code themselves
		text = strings.TrimPrefix(text, extended.Error()+": ")
	}
	return strings.TrimPrefix(text, "sqlite3: ")
}

// codeNames are the primary codes as C names them.
var codeNames = map[sqlite3.ErrorCode]string{
	sqlite3.ERROR: "SQLITE_ERROR", sqlite3.PERM: "SQLITE_PERM", sqlite3.ABORT: "SQLITE_ABORT", sqlite3.LOCKED: "SQLITE_LOCKED",
	sqlite3.READONLY: "SQLITE_READONLY", sqlite3.CORRUPT: "SQLITE_CORRUPT", sqlite3.NOTFOUND: "SQLITE_NOTFOUND",
	sqlite3.EMPTY: "SQLITE_EMPTY", sqlite3.SCHEMA: "SQLITE_SCHEMA", sqlite3.TOOBIG: "SQLITE_TOOBIG",
	sqlite3.CONSTRAINT: "SQLITE_CONSTRAINT", sqlite3.MISMATCH: "SQLITE_MISMATCH", sqlite3.NOLFS: "SQLITE_NOLFS",
	sqlite3.AUTH: "SQLITE_AUTH", sqlite3.FORMAT: "SQLITE_FORMAT", sqlite3.RANGE: "SQLITE_RANGE",
	sqlite3.NOTICE: "SQLITE_NOTICE", sqlite3.WARNING: "SQLITE_WARNING",
}

// extendedNames are the extended codes that statements can cause, as C names them.
var extendedNames = map[sqlite3.ExtendedErrorCode]string{
	sqlite3.ERROR_MISSING_COLLSEQ: "SQLITE_ERROR_MISSING_COLLSEQ", sqlite3.ERROR_RETRY: "SQLITE_ERROR_RETRY",
	sqlite3.ERROR_SNAPSHOT: "SQLITE_ERROR_SNAPSHOT", sqlite3.ABORT_ROLLBACK: "SQLITE_ABORT_ROLLBACK",
	sqlite3.LOCKED_VTAB: "SQLITE_LOCKED_VTAB", sqlite3.CORRUPT_VTAB: "SQLITE_CORRUPT_VTAB", sqlite3.AUTH_USER: "SQLITE_AUTH_USER",
	sqlite3.CONSTRAINT_CHECK: "SQLITE_CONSTRAINT_CHECK", sqlite3.CONSTRAINT_COMMITHOOK: "SQLITE_CONSTRAINT_COMMITHOOK",
	sqlite3.CONSTRAINT_FOREIGNKEY: "SQLITE_CONSTRAINT_FOREIGNKEY", sqlite3.CONSTRAINT_FUNCTION: "SQLITE_CONSTRAINT_FUNCTION",
	sqlite3.CONSTRAINT_NOTNULL: "SQLITE_CONSTRAINT_NOTNULL", sqlite3.CONSTRAINT_PRIMARYKEY: "SQLITE_CONSTRAINT_PRIMARYKEY",
	sqlite3.CONSTRAINT_TRIGGER: "SQLITE_CONSTRAINT_TRIGGER", sqlite3.CONSTRAINT_UNIQUE: "SQLITE_CONSTRAINT_UNIQUE",
	sqlite3.CONSTRAINT_VTAB: "SQLITE_CONSTRAINT_VTAB", sqlite3.CONSTRAINT_ROWID: "SQLITE_CONSTRAINT_ROWID",
	sqlite3.CONSTRAINT_PINNED: "SQLITE_CONSTRAINT_PINNED", sqlite3.CONSTRAINT_DATATYPE: "SQLITE_CONSTRAINT_DATATYPE",
}

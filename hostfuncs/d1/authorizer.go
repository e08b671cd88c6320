package d1

import (
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// notes are what the authoriser saw of one statement.
type notes struct {
	// transaction says that the statement was refused because it begins or ends a transaction.
	transaction bool
	// writer says that the statement was refused because only the writing connection can run it.
	writer bool
	// settings are those that the statement changes.
	settings setting
	// unchecked says that it turns foreign keys off.
	unchecked bool
	// reads says that the statement reads some table.
	reads bool
	// writes is the table that the statement itself writes to; empty when there is none.
	writes string
	// action is what it does there.
	action sqlite3.AuthorizerActionCode
	// columns are those that an UPDATE sets.
	columns []string
	// pragma says that the statement is a PRAGMA, or asks one as a table.
	pragma bool
	// alters says that the statement is an ALTER TABLE.
	alters bool
}

// setting is a set of [settings].
type setting uint8

// settings are the pragmas that change something on the connection.
var settings = [...]string{"case_sensitive_like", "foreign_keys", "defer_foreign_keys", "ignore_check_constraints",
	"legacy_alter_table", "recursive_triggers", "reverse_unordered_selects"}

// The settings about foreign keys: whether they are looked at, and whether only when the transaction ends.
const (
	foreignKeys      setting = 1 << 1
	deferForeignKeys setting = 1 << 2
)

// defaults are what the settings are between queries.
var defaults = map[string]string{"case_sensitive_like": "OFF", "foreign_keys": "ON", "defer_foreign_keys": "OFF",
	"ignore_check_constraints": "OFF", "legacy_alter_table": "OFF", "recursive_triggers": "OFF", "reverse_unordered_selects": "OFF"}

// inquiries are the pragmas that only tell something, with or without an argument.
var inquiries = set("table_list table_info table_xinfo index_list index_info index_xinfo foreign_key_list foreign_key_check quick_check optimize")

// set makes a set of words.
func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, word := range strings.Fields(words) {
		m[word] = true
	}
	return m
}

// functions are those that statements may use.
var functions = set(`-> ->> abs acos acosh asin asinh atan atan2 atanh avg ceil ceiling changes char coalesce concat concat_ws cos cosh count
	cume_dist current_date current_time current_timestamp date datetime degrees dense_rank exp first_value floor format glob
	group_concat hex if ifnull iif instr json json_array json_array_insert json_array_length json_each json_error_position json_extract
	json_group_array json_group_object json_insert json_object json_patch json_pretty json_quote json_remove json_replace
	json_set json_tree json_type json_valid jsonb jsonb_array jsonb_array_insert jsonb_each jsonb_extract jsonb_group_array
	jsonb_group_object jsonb_insert jsonb_object jsonb_patch jsonb_remove jsonb_replace jsonb_set jsonb_tree julianday lag
	last_insert_rowid last_value lead length like likelihood likely ln log log10 log2 lower ltrim match max min mod nth_value ntile
	nullif octet_length percent_rank pi pow power printf quote radians random randomblob rank replace round row_number rtrim
	sign sin sinh soundex sqrt strftime string_agg substr substring sum tan tanh time timediff total total_changes trim trunc
	typeof unhex unicode unistr unistr_quote unixepoch unlikely upper zeroblob
	bm25 fts5 fts5_get_locale fts5_insttoken fts5_locale highlight snippet`)

// inherited are functions whose answer depends on what the writing connection did before.
var inherited = set("changes last_insert_rowid total_changes")

// internalFunctions begin the names of functions that only SQLite's own ALTER TABLE can call.
var internalFunctions = []string{"sqlite_rename_", "sqlite_drop_", "sqlite_add_", "sqlite_find_", "sqlite_fail"}

// hiddenPrefix begins the names that guests may not use.
const hiddenPrefix = "_cf_"

// hidden says whether a name is reserved.
func hidden(name string) bool {
	return len(name) >= len(hiddenPrefix) && strings.EqualFold(name[:len(hiddenPrefix)], hiddenPrefix)
}

// authorize is asked by SQLite about everything a statement does, when it is compiled. Statements that are not a guest's may do everything.
func (c *connection) authorize(action sqlite3.AuthorizerActionCode, name, detail, schema, inner string) sqlite3.AuthorizerReturnCode {
	if !c.guest || c.allows(action, name, detail, schema, inner) {
		return sqlite3.AUTH_OK
	}
	return sqlite3.AUTH_DENY
}

// allows says whether a guest's statement may do something.
func (c *connection) allows(action sqlite3.AuthorizerActionCode, name, detail, schema, inner string) bool {
	switch action {
	case sqlite3.AUTH_SELECT, sqlite3.AUTH_RECURSIVE, sqlite3.AUTH_ANALYZE, sqlite3.AUTH_REINDEX:
		return true
	case sqlite3.AUTH_READ:
		c.notes.reads = true
		c.notes.pragma = c.notes.pragma || strings.HasPrefix(name, "pragma_")
		return !hidden(name)
	case sqlite3.AUTH_INSERT, sqlite3.AUTH_UPDATE, sqlite3.AUTH_DELETE:
		c.noteWrite(action, name, detail, inner)
		return !hidden(name) && (action == sqlite3.AUTH_UPDATE || !isTemporary(schema)) // renaming looks for temporary triggers
	case sqlite3.AUTH_FUNCTION:
		return c.allowsFunction(strings.ToLower(detail))
	case sqlite3.AUTH_PRAGMA:
		c.notes.pragma = true
		return c.allowsPragma(strings.ToLower(name), detail)
	case sqlite3.AUTH_TRANSACTION, sqlite3.AUTH_SAVEPOINT:
		c.notes.transaction = true
		return false
	case sqlite3.AUTH_CREATE_VTABLE, sqlite3.AUTH_DROP_VTABLE:
		c.shaped = true
		return allowsModule(name, detail, schema)
	case sqlite3.AUTH_ALTER_TABLE:
		c.shaped, c.notes.alters = true, true
		return !hidden(detail) && !isTemporary(name)
	case sqlite3.AUTH_CREATE_INDEX, sqlite3.AUTH_CREATE_TABLE, sqlite3.AUTH_CREATE_TRIGGER, sqlite3.AUTH_CREATE_VIEW,
		sqlite3.AUTH_DROP_INDEX, sqlite3.AUTH_DROP_TABLE, sqlite3.AUTH_DROP_TRIGGER, sqlite3.AUTH_DROP_VIEW:
		return !hidden(name) && !hidden(detail) && !isTemporary(schema)
	}
	return false // ATTACH, DETACH, whatever is temporary, what later versions bring
}

// noteWrite notes what the statement itself writes to.
func (c *connection) noteWrite(action sqlite3.AuthorizerActionCode, table, column, inner string) {
	if inner != "" || c.notes.writes != "" && c.notes.writes != table {
		return
	}
	c.notes.writes, c.notes.action = table, action
	if action == sqlite3.AUTH_UPDATE {
		c.notes.columns = append(c.notes.columns, column)
	}
}

// isTemporary says whether a schema is the connection's own.
func isTemporary(schema string) bool { return strings.EqualFold(schema, "temp") }

func (c *connection) allowsFunction(name string) bool {
	if functions[name] {
		if c.reading && inherited[name] {
			c.notes.writer = true
			return false
		}
		return true
	}
	for _, prefix := range internalFunctions {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func (c *connection) allowsPragma(name, argument string) bool {
	if inquiries[name] {
		return true
	}
	if name == "data_version" {
		c.notes.writer = c.reading && !c.running // the number is a connection's own
		return argument == "" && !c.notes.writer
	}
	for i, s := range settings {
		if s == name {
			return c.allowsSetting(1<<i, argument)
		}
	}
	return false
}

// allowsSetting allows to ask for a setting, and the writing connection to change it.
func (c *connection) allowsSetting(s setting, argument string) bool {
	if argument == "" {
		return true
	}
	if !isBoolean(argument) {
		return false
	}
	if c.reading {
		c.notes.writer = true
		return false
	}
	c.notes.settings |= s
	c.notes.unchecked = s == foreignKeys && !isTrue(argument)
	return true
}

// isBoolean says whether SQLite takes a text for a boolean.
func isBoolean(s string) bool {
	switch strings.ToLower(s) {
	case "0", "1", "on", "off", "true", "false", "yes", "no":
		return true
	}
	return false
}

// isTrue tells the two kinds of booleans apart.
func isTrue(s string) bool {
	switch strings.ToLower(s) {
	case "1", "on", "true", "yes":
		return true
	}
	return false
}

// allowsModule allows virtual tables of the full-text search.
func allowsModule(table, module, schema string) bool {
	module = strings.ToLower(module)
	return (module == "fts5" || module == "fts5vocab") && !hidden(table) && !isTemporary(schema)
}

package d1

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/pagesrun/pagesrun/abi"
	"github.com/pagesrun/pagesrun/hostfuncs"
	"github.com/pagesrun/pagesrun/hostfuncs/internal/sqlite"
)

// Query runs the statements in one transaction and gives the result of each. See [abi.D1QueryRequest].
func (d *Database) Query(ctx context.Context, q *abi.D1QueryRequest) (abi.D1QueryReply, error) {
	var reply abi.D1QueryReply
	b, err := d.appendQuery(ctx, q, nil)
	if err != nil {
		return reply, err
	}
	return reply, reply.DecodeCBOR(b)
}

// appendQuery appends the reply to a query to dst.
func (d *Database) appendQuery(ctx context.Context, q *abi.D1QueryRequest, dst []byte) ([]byte, error) {
	return d.answer(ctx, q, &query{}, dst)
}

// query is the memory that an operation needs. After one that only read it is used again.
type query struct {
	request abi.D1QueryRequest
	items   []item
	reply   reply
	job     job
}

// replyRoomBytes is room for most replies, so that they need not grow step by step.
const replyRoomBytes = 512

// answer is appendQuery in memory that is there.
func (d *Database) answer(ctx context.Context, request *abi.D1QueryRequest, q *query, dst []byte) (out []byte, err error) {
	if q.items, err = queryItems(request, q.items[:0]); err != nil {
		return dst, err
	}
	q.reply = reply{out: slices.Grow(dst, replyRoomBytes), base: len(dst)}
	q.job = job{items: q.items, reply: &q.reply, now: d.now}
	mark, err := d.do(ctx, &q.job)
	if err != nil {
		return dst, err
	}
	return q.reply.end(mark), nil
}

// takeQuery gives memory for an operation; [Database.recycle] takes it back.
func (d *Database) takeQuery() *query {
	if q, ok := d.idle.Get().(*query); ok {
		return q
	}
	return &query{}
}

// keptStatements is how many statements there is memory for between operations.
const keptStatements = 16

// recycle keeps the memory of an operation for another. What went to the writing connection is left to the collector.
func (d *Database) recycle(q *query) {
	if q.job.toWriter || cap(q.items) > keptStatements || cap(q.request.Statements) > keptStatements {
		return
	}
	clear(q.items)
	clear(q.request.Statements)
	q.request.Session, q.reply, q.job = "", reply{}, job{}
	d.idle.Put(q)
}

// Exec runs a text of SQL, line by line, in one transaction. See [abi.D1ExecRequest].
func (d *Database) Exec(ctx context.Context, q *abi.D1ExecRequest) (abi.D1ExecReply, error) {
	list := lines(string(q.SQL))
	if len(list) == 0 {
		return abi.D1ExecReply{}, asExec(refuse(abi.CodeInvalidArgument, textNoStatements), "")
	}
	began := d.now()
	j := &job{items: make([]item, len(list)), now: d.now}
	for i, line := range list {
		j.items[i].sql = line
		if err := checkText(line); err != nil {
			return abi.D1ExecReply{}, asExec(err, list[0])
		}
	}
	if _, err := d.do(ctx, j); err != nil {
		return abi.D1ExecReply{}, asExec(err, list[0])
	}
	return abi.D1ExecReply{Count: uint32(len(list)), DurationMS: float64(d.now().Sub(began)) / float64(time.Millisecond)}, nil
}

// lines are the items of a text for [Database.Exec]: its lines, trimmed, without the empty ones.
func lines(sql string) []string {
	var list []string
	for line := range strings.Lines(sql) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	return list
}

// queryItems checks a request as far as that goes without SQLite. It appends its items to those given.
func queryItems(q *abi.D1QueryRequest, items []item) ([]item, error) {
	switch n := len(q.Statements); {
	case n == 0:
		return items, refuse(abi.CodeInvalidArgument, textNoStatements)
	case n > abi.D1BatchStatementsMax:
		return items, refuse(abi.CodeTooLarge, fmt.Sprintf("a batch has at most %d statements, not %d", abi.D1BatchStatementsMax, n))
	}
	items = slices.Grow(items, len(q.Statements))
	for i := range q.Statements {
		s := &q.Statements[i]
		if err := checkText(string(s.SQL)); err != nil {
			return items, err
		}
		n, err := countParams(s.Params)
		if err != nil {
			return items, &abi.Error{Code: abi.CodeBadMessage, Message: fmt.Sprintf("%s: statement %d: %s", abi.OpD1Query, i+1, err)}
		}
		items = append(items, item{sql: string(s.SQL), params: s.Params, values: n})
	}
	return items, nil
}

// checkText checks the text of an item.
func checkText(sql string) error {
	switch {
	case len(sql) > abi.D1SQLBytesMax:
		return refuse(abi.CodeTooLarge, textTooLong)
	case isBlank(sql):
		return refuse(abi.CodeInvalidArgument, textNoStatements)
	}
	return nil
}

// isBlank says that a text is nothing but white space and comments with white space before them. Those the platform strips;
// a comment at the very beginning it does not.
func isBlank(sql string) bool {
	if sql != "" && isLetter(sql[0]) {
		return false
	}
	for {
		rest := strings.TrimSpace(sql)
		if rest == "" {
			return true
		}
		indented := strings.TrimLeft(sql, " \t\r\n\f\v")
		if len(indented) == len(sql) || !strings.HasPrefix(indented, "--") {
			return false
		}
		end := strings.IndexByte(indented, '\n')
		if end < 0 {
			return true
		}
		sql = indented[end:]
	}
}

// do runs a job where it can be run and gives the bookmark of the state it showed or made.
func (d *Database) do(ctx context.Context, j *job) (mark string, err error) {
	reading := d.looksReading(j)
	if reading {
		mark, err = d.read(ctx, j)
	}
	if !reading || j.writer {
		j.toWriter = true
		mark, err = d.write(ctx, j)
	}
	if err == nil {
		return mark, nil
	}
	if j.limit.expired && errors.Is(err, sqlite3.INTERRUPT) {
		return "", refuse(abi.CodeTimeout, textTimeout)
	}
	return "", d.public(err)
}

// public is [sqlite.DB.Public] with the prefix that all messages have.
func (d *Database) public(err error) error {
	err = d.db.Public(err)
	var public *abi.Error
	if errors.As(err, &public) && !strings.HasPrefix(public.Message, prefixQuery) {
		return hostfuncs.Fail(public.Code, prefixQuery+public.Message, err)
	}
	return err
}

// read runs a job on a reading connection. Where that cannot be done it says so in j.writer.
func (d *Database) read(ctx context.Context, j *job) (mark string, err error) {
	mark = d.state.current()
	j.rowID = d.lastRowID.Load()
	err = d.db.Read(ctx, func(conn *sqlite.Conn) error {
		c := of(conn)
		c.reading = true
		j.begin(ctx, d.limit)
		c.SetInterrupt(&j.limit)
		if len(j.items) > 1 {
			err = c.Snapshot(func() error { return j.run(c) })
		} else {
			err = j.run(c)
		}
		if j.writer = errors.Is(err, errWriter) || errors.Is(err, sqlite3.READONLY); j.writer {
			d.writing.add(j.items[j.at].sql)
		}
		return err
	})
	return mark, err
}

// write runs a job on the writing connection.
func (d *Database) write(ctx context.Context, j *job) (mark string, err error) {
	if err := d.state.begin(ctx, d.db); err != nil {
		return "", err
	}
	var at position
	err = d.db.Write(ctx, j.weight(), func(conn *sqlite.Conn) error {
		c := of(conn)
		j.begin(context.Background(), d.limit)
		c.SetInterrupt(&j.limit)
		err := c.end(j.run(c))
		d.lastRowID.Store(c.LastInsertRowID())
		if j.wrote {
			at = d.state.next()
		}
		return err
	})
	if err != nil {
		return "", err
	}
	if !j.wrote {
		return d.state.current(), nil
	}
	return d.state.publish(at), nil
}

// end ends a query that err came of, so that the next one finds the connection as this one did.
func (c *connection) end(err error) error {
	c.SetInterrupt(context.Background())
	if err == nil {
		err = checkDeferred(c)
	}
	if c.changed != 0 {
		err = errors.Join(err, c.restore())
	}
	if err != nil && c.shaped && !c.GetAutocommit() {
		// SQLite cannot commit a transaction in which a savepoint took back the making of a full-text table.
		err = errors.Join(err, c.Exec(`ROLLBACK`))
	}
	c.shaped = false
	return err
}

// checkDeferred fails when a foreign key names no row. SQLite looks at that only when the transaction ends, which others share.
func checkDeferred(c *connection) error {
	violated, _, err := c.Status(sqlite3.DBSTATUS_DEFERRED_FKS, false)
	if err == nil && violated != 0 {
		return refuse(abi.CodeInvalidArgument, textForeignKey)
	}
	return err
}

// weight is about how many bytes a job writes.
func (j *job) weight() int {
	n := 0
	for i := range j.items {
		n += len(j.items[i].sql) + len(j.items[i].params)
	}
	return n
}

// looksReading says whether all items begin like statements that only read, and none is known to be no such statement.
func (d *Database) looksReading(j *job) bool {
	for i := range j.items {
		if sql := j.items[i].sql; !beginsReading(sql) || d.writing.has(sql) {
			return false
		}
	}
	return true
}

// texts are those that begin like statements that read but need the writing connection, such as WITH … INSERT.
type texts struct {
	some  atomic.Bool // there is one
	mu    sync.RWMutex
	known map[string]struct{}
}

// Bounds of [texts].
const (
	textsMax     = 256
	textBytesMax = 2 << 10
)

func (t *texts) has(sql string) bool {
	if !t.some.Load() {
		return false
	}
	t.mu.RLock()
	defer t.mu.RUnlock()
	_, ok := t.known[sql]
	return ok
}

// add remembers a text. When there are many they are all forgotten, as they can be found out again.
func (t *texts) add(sql string) {
	if len(sql) > textBytesMax {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil || len(t.known) >= textsMax {
		t.known = map[string]struct{}{}
	}
	t.known[strings.Clone(sql)] = struct{}{} // not the message that the text is a part of
	t.some.Store(true)
}

// beginsReading says whether the first word of a text begins a statement that usually only reads.
func beginsReading(sql string) bool {
	word := firstWord(sql)
	for _, reading := range [...]string{"SELECT", "VALUES", "WITH", "EXPLAIN", "PRAGMA"} {
		if strings.EqualFold(word, reading) {
			return true
		}
	}
	return false
}

// firstWord is the first word of a text, unless it is longer than the ones that are looked for.
func firstWord(sql string) string {
	sql = skipBlank(sql)
	end := 0
	for end < len(sql) && isLetter(sql[end]) {
		if end++; end > len("EXPLAIN") {
			return ""
		}
	}
	return sql[:end]
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// skipBlank drops white space and comments from the beginning of a text.
func skipBlank(sql string) string {
	for {
		if sql != "" && isLetter(sql[0]) {
			return sql
		}
		sql = strings.TrimLeft(sql, " \t\r\n\f")
		end, size := 0, 0
		switch {
		case strings.HasPrefix(sql, "--"):
			end, size = strings.IndexByte(sql, '\n'), 1
		case strings.HasPrefix(sql, "/*"):
			end, size = strings.Index(sql[2:], "*/"), 4
		default:
			return sql
		}
		if end < 0 {
			return ""
		}
		sql = sql[end+size:]
	}
}

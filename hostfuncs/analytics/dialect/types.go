package dialect

// Kind is a type without its parts.
type Kind int

// The kinds, in ClickHouse's words.
const (
	String Kind = iota
	DateTime
	Date
	UInt8
	UInt16
	UInt32
	UInt64
	Int64
	Float64
	Array
	// span is the kind of intervals, which are no values.
	span
)

var kindNames = [...]string{"String", "DateTime", "Date", "UInt8", "UInt16", "UInt32", "UInt64", "Int64", "Float64", "Array", "Interval"}

// Type is the type of a column.
type Type struct {
	// Kind is what it is.
	Kind Kind
	// Zone is the time zone in which a DateTime is shown; empty for UTC.
	Zone string
	// Item is the kind of an Array's items.
	Item Kind
}

// String gives the type's name: "UInt64", "DateTime('Europe/Berlin')", "Array(String)".
func (t Type) String() string {
	name := kindNames[t.Kind]
	switch {
	case t.Kind == DateTime && t.Zone != "":
		name += "('" + t.Zone + "')"
	case t.Kind == Array:
		name += "(" + kindNames[t.Item] + ")"
	}
	return name
}

// numeric says whether values of the type are numbers.
func (t Type) numeric() bool { return t.Kind >= UInt8 && t.Kind <= Float64 }

func (t Type) whole() bool { return t.numeric() && t.Kind != Float64 }

func (t Type) unsigned() bool { return t.Kind >= UInt8 && t.Kind <= UInt64 }

// time says whether values of the type are moments.
func (t Type) time() bool { return t.Kind == DateTime || t.Kind == Date }

// bits is the width of a number.
func (t Type) bits() int64 {
	switch t.Kind {
	case UInt8:
		return 8
	case UInt16:
		return 16
	case UInt32:
		return 32
	}
	return 64
}

// common is the type that holds values of both; false when there is none.
func common(a, b Type) (Type, bool) {
	switch {
	case a == b:
		return a, true
	case a.numeric() && b.numeric():
		return commonNumber(a, b), true
	case a.time() && b.time():
		return Type{Kind: DateTime, Zone: a.Zone}, true
	}
	return Type{}, false
}

func commonNumber(a, b Type) Type {
	switch {
	case a.Kind == Float64 || b.Kind == Float64:
		return Type{Kind: Float64}
	case a.unsigned() && b.unsigned():
		return Type{Kind: max(a.Kind, b.Kind)}
	}
	return Type{Kind: Int64}
}

// Column is a column of a result or of the table.
type Column struct {
	// Name is its name in the answer.
	Name string
	// Type is its type.
	Type Type
}

// The formats of an answer.
const (
	FormatJSON         = "JSON"
	FormatJSONEachRow  = "JSONEachRow"
	FormatTabSeparated = "TabSeparated"
)

// Formats are all of them.
func Formats() []string { return []string{FormatJSON, FormatJSONEachRow, FormatTabSeparated} }

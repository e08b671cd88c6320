package cron

import (
	"fmt"
	"time"

	"github.com/pagesrun/pagesrun/config"
	"github.com/pagesrun/pagesrun/hostfuncs"
)

const (
	// Section is the key of the configuration that this binding decodes.
	Section = "triggers"
	// ExpressionsMax is the most expressions an application may have.
	ExpressionsMax = 250
	// CatchUpDefault is how late a tick may be run where the configuration does not say: within its own minute.
	CatchUpDefault = time.Minute
	// CatchUpMax is the largest catch-up time.
	CatchUpMax = 7 * 24 * time.Hour
)

// Resource is one expression of triggers.crons.
type Resource struct {
	// App is the application's name; the ledger keeps the ticks of applications apart.
	App string
	// Expression is as the configuration has it.
	Expression string
	// Schedule is the expression, read.
	Schedule Schedule
	// CatchUp is how late a tick may be run.
	CatchUp time.Duration
	// Pos is where the expression was written.
	Pos config.Pos

	now func() time.Time
}

// BindingName is empty: guests do not call triggers.
func (r *Resource) BindingName() string { return "" }

// Position is where the expression was written.
func (r *Resource) Position() config.Pos { return r.Pos }

// Describe gives the expression and, once the binding is open, its next tick.
func (r *Resource) Describe() string {
	if r.now == nil {
		return fmt.Sprintf("%q", r.Expression)
	}
	next, ok := r.Schedule.Next(r.now())
	if !ok {
		return fmt.Sprintf("%q, never", r.Expression)
	}
	return fmt.Sprintf("%q, next at %s UTC", r.Expression, next.Format("2006-01-02 15:04"))
}

// Decode reads triggers.crons and [pagesrun.cron].
func (*binding) Decode(c *config.Config) ([]hostfuncs.Resource, config.Problems) {
	var problems config.Problems
	settings := config.NewTable(c.Pagesrun.Cron, c.Key("pagesrun")+".cron", &problems)
	catchUp := settings.Int("catch_up_ms", CatchUpDefault.Milliseconds(), CatchUpDefault.Milliseconds(), CatchUpMax.Milliseconds())
	settings.RejectUnknown()
	triggers := config.NewTable(c.Section(Section), c.Key(Section), &problems)
	triggers.Strings("crons")
	triggers.RejectUnknown()
	d := decoder{app: c.Name, catchUp: time.Duration(catchUp) * time.Millisecond, path: triggers.Path("crons"), problems: &problems}
	if crons := triggers.Node("crons"); crons != nil {
		d.decode(crons.Items)
	}
	return d.resources, problems
}

// decoder makes resources of expressions.
type decoder struct {
	app       string
	catchUp   time.Duration
	path      string
	resources []hostfuncs.Resource
	problems  *config.Problems
}

func (d *decoder) decode(items []*config.Node) {
	if len(items) > ExpressionsMax {
		d.problems.Add(items[ExpressionsMax].Pos, d.path, "may have at most %d expressions, not %d", ExpressionsMax, len(items))
		return
	}
	seen := map[Schedule]string{}
	for i, item := range items {
		path := fmt.Sprintf("%s[%d]", d.path, i)
		if item.Kind != config.KindString {
			continue // reported already
		}
		schedule, err := Parse(item.Str)
		if err != nil {
			d.problems.Add(item.Pos, path, "%q is no cron expression: %v", item.Str, err)
			continue
		}
		if before, ok := seen[schedule]; ok {
			d.problems.Add(item.Pos, path, "Expression '%s' already exists in the form of '%s'", item.Str, before)
			continue
		}
		seen[schedule] = item.Str
		if _, ok := schedule.Next(time.Unix(0, 0)); !ok {
			d.problems.Warn(item.Pos, path, "%q never comes: the months it names have no such day", item.Str)
		}
		d.resources = append(d.resources, &Resource{App: d.app, Expression: item.Str, Schedule: schedule, CatchUp: d.catchUp, Pos: item.Pos})
	}
}

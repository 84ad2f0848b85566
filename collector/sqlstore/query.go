package sqlstore

import (
	"fmt"
	"strconv"
	"strings"
)

// query is the conditions of a query in the making, and their parameters.
type query struct {
	conditions []string
	args       []any
}

func (q *query) arg(v any) string {
	q.args = append(q.args, v)
	return fmt.Sprintf("$%d", len(q.args))
}

func (q *query) and(condition string) { q.conditions = append(q.conditions, condition) }

func (q *query) where() string {
	if len(q.conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(q.conditions, " AND ")
}

// parameters are $1 to $n.
func parameters(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(i+1))
	}
	return b.String()
}

// withList puts a list of parameters, behind as many as come before it, in the place of %s.
func withList(q string, before, n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = "$" + strconv.Itoa(before+i+1)
	}
	return strings.Replace(q, "%s", strings.Join(names, ", "), 1)
}

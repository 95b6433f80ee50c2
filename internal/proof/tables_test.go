//go:build proof

package proof_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/paylake/paylake/internal/simapi"
)

// table gives the staleness as a table in Markdown.
func (s *staleness) table() string {
	var b strings.Builder
	fmt.Fprintln(&b, "| stream | age of the record | told by a hook | changes | median | worst |")
	fmt.Fprintln(&b, "|---|---|---|---|---|---|")
	for _, stream := range []string{simapi.Orders, simapi.Charges, simapi.Payables} {
		for _, age := range ages {
			for _, told := range []bool{true, false} {
				list := s.times[lateness{stream, age, told}]
				if len(list) == 0 {
					continue
				}
				slices.Sort(list)
				fmt.Fprintf(&b, "| %s | %s | %v | %d | %s | %s |\n", stream, age, told, len(list), inDays(list[len(list)/2]), inDays(list[len(list)-1]))
			}
		}
	}
	return b.String()
}

func inDays(d time.Duration) string { return fmt.Sprintf("%.1f d", d.Hours()/24) }

// table gives the requests of a run as a table in Markdown.
func (r *requests) table() string {
	var b strings.Builder
	purposes := []string{forNew, forLookback, forUpdates, forFeed, forTiers}
	fmt.Fprintf(&b, "| stream | %s | all |\n|---|---|---|---|---|---|---|\n", strings.Join(purposes, " | "))
	for _, stream := range []string{simapi.Orders, simapi.Charges, simapi.Payables, simapi.Hooks} {
		fmt.Fprintf(&b, "| %s |", stream)
		all := 0
		for _, purpose := range purposes {
			n := r.sum[stream][purpose]
			all += n
			fmt.Fprintf(&b, " %.1f |", float64(n)/float64(max(r.runs, 1)))
		}
		fmt.Fprintf(&b, " %.1f |\n", float64(all)/float64(max(r.runs, 1)))
	}
	return b.String()
}

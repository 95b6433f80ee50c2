package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/paylake/paylake/internal/simapi"
	"github.com/paylake/paylake/sink/delta"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/local"
)

// demoMarker tells which account a demo lake holds. A lake without it is not
// checked.
const demoMarker = "_paylake/demo.json"

// demoAccount is what the simulated account is a function of.
type demoAccount struct {
	Seed uint64 `json:"seed"`
	Days int    `json:"days"`
	Size int    `json:"size"`
}

func (a demoAccount) String() string {
	return fmt.Sprintf("--seed %d --days %d --size %d", a.Seed, a.Days, a.Size)
}

// demoTable is where the demo puts a stream's table, and files --lake finds it.
func demoTable(source, stream string) string { return source + "/" + stream }

// joinLake fits the account to a lake that may be there already: another
// account is refused, and the clock never goes back behind what the tables
// hold. It gives the days by which it moved the clock.
func joinLake(c *cli.Context, world *simapi.World) (days int, err error) {
	st, err := local.New(c.String("lake"))
	if err != nil {
		return 0, err
	}
	last, found, err := demoWatermark(c.Context, st)
	if err != nil {
		return 0, err
	}
	own := demoAccount{Seed: c.Uint64("seed"), Days: c.Int("days"), Size: c.Int("size")}
	if err := sameAccount(c, st, own, found); err != nil {
		return 0, err
	}
	const day = 24 * time.Hour
	behind := last.Add(-settleDemo).Sub(world.Now())
	if !found || behind <= 0 {
		return 0, nil
	}
	days = int((behind + day - 1) / day)
	now := world.Now().AddDate(0, 0, days)
	world.Now = func() time.Time { return now }
	return days, nil
}

// demoWatermark gives the latest watermark of the demo's tables. found is false
// if there are no tables.
func demoWatermark(ctx context.Context, st store.Store) (last time.Time, found bool, err error) {
	for _, s := range sources() {
		for _, ep := range s.Streams {
			snapshot, err := delta.ReadSnapshot(ctx, st, demoTable(s.Name, ep.Table.Name))
			if err != nil {
				return last, found, fmt.Errorf("read the demo's lake: %w", err)
			}
			found = found || snapshot.Exists()
			us, ok := snapshot.Mark("paylake/" + demoConnection + "/" + ep.Table.Name)
			if at := time.UnixMicro(us).UTC(); ok && at.After(last) {
				last = at
			}
		}
	}
	return last, found, nil
}

// sameAccount refuses a lake of another account, and notes the account of a
// lake that has no tables yet.
func sameAccount(c *cli.Context, st store.Store, own demoAccount, found bool) error {
	text, err := json.Marshal(own)
	if err != nil {
		return fmt.Errorf("write %s: %w", demoMarker, err)
	}
	data, err := store.ReadAll(c.Context, st, demoMarker)
	switch {
	case errors.Is(err, store.ErrNotFound) && found:
		return nil
	case errors.Is(err, store.ErrNotFound):
		if err = st.Create(c.Context, demoMarker, append(text, '\n')); !errors.Is(err, store.ErrExists) {
			return err
		}
		data, err = store.ReadAll(c.Context, st, demoMarker)
	}
	if err != nil {
		return fmt.Errorf("read the demo's lake: %w", err)
	}
	var have demoAccount
	if err := json.Unmarshal(data, &have); err != nil {
		return usagef("read %s: %w; remove the lake or choose another with --lake", filepath.Join(c.String("lake"), demoMarker), err)
	}
	if have != own {
		return usagef("the lake %s holds the account of %s, but this run has %s: use the same, remove the lake, or choose another with --lake",
			c.String("lake"), have, own)
	}
	return nil
}

// sayMoved tells that the clock was moved.
func (e *env) sayMoved(c *cli.Context, days int, world *simapi.World) {
	if days == 0 || c.Bool("quiet") {
		return
	}
	e.say(fmt.Sprintf("the lake is from a later clock: moved on %d days, to %s", days, world.Now().Format(time.DateOnly)))
}

package main

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/books"
	"github.com/paylake/paylake/internal/simapi"
)

const bookStreams = "[charges, payables, balance_operations]"

func (a account) books(t *testing.T, code int, args ...string) (booksReport, result) {
	t.Helper()
	got := paylake(t, append([]string{"verify", "--config", a.config, "--books", "--json"}, args...)...)
	require.Equal(t, code, got.code, got.stdout+got.stderr)
	var r struct {
		Status string
		Books  []booksReport
	}
	require.NoError(t, json.Unmarshal([]byte(got.stdout), &r), got.stdout)
	require.Len(t, r.Books, 1)
	require.Equal(t, "loja", r.Books[0].Connection)
	return r.Books[0], got
}

func bookOf(t *testing.T, r booksReport, name string) books.Identity {
	t.Helper()
	for _, i := range r.Identities {
		if i.Name == name {
			return i
		}
	}
	require.Fail(t, "no such identity", name)
	return books.Identity{}
}

func TestBooksOfASyncedLakeAreTrue(t *testing.T) {
	a := serve(t, simapi.Config{}, bookStreams)
	empty, _ := a.books(t, exitIncomplete)
	require.Equal(t, len(empty.Identities), empty.NotChecked, "nothing was synced yet")
	a.synced(t, exitDone)
	before := a.api.Total().Requests

	r, got := a.books(t, exitDone)
	require.Zero(t, r.Broken)
	require.Zero(t, r.NotChecked)
	require.Equal(t, before, a.api.Total().Requests, "the books ask nothing of the API")
	paid := bookOf(t, r, "charges_paid")
	require.EqualValues(t, a.api.Truth(simapi.Charges, time.Time{}, time.Time{}).Rows, paid.Checked+paid.Exceptions["payables_not_read_yet"])
	require.Positive(t, paid.Left)
	require.Equal(t, paid.Left, paid.Right)
	amounts := bookOf(t, r, "settled_amounts")
	require.EqualValues(t, a.api.Truth(simapi.Payables, time.Time{}, time.Time{}).Rows, amounts.Checked)

	text := paylake(t, "verify", "--config", a.config, "--books")
	require.Equal(t, exitDone, text.code)
	require.Contains(t, text.stdout, "charges_paid")
	require.Contains(t, text.stdout, money(paid.Left))
	a.nothingLeaks(t, got, text)
}

func TestBooksThatAreBroken(t *testing.T) {
	var gone simapi.Record
	a := serve(t, simapi.Config{Deleted: func(stream string, r simapi.Record) time.Time {
		if stream == simapi.Payables && r.Key == gone.Key {
			return r.Created
		}
		return time.Time{}
	}}, bookStreams)
	middle := a.world.Start().Add(36 * time.Hour)
	a.world.Each(simapi.Payables, middle, time.Time{}, func(r simapi.Record) bool {
		gone = r
		gone.JSON = append([]byte(nil), r.JSON...)
		return false
	})
	a.synced(t, exitDone)

	r, _ := a.books(t, exitDifference)
	var p struct {
		Charge    string `json:"charge_id"`
		Recipient string `json:"recipient_id"`
	}
	require.NoError(t, json.Unmarshal(gone.JSON, &p))
	paid := bookOf(t, r, "charges_paid")
	require.EqualValues(t, 1, paid.Broken)
	require.Equal(t, p.Charge, paid.Breaks[0].Charge)
	require.Equal(t, gone.Amount, paid.Breaks[0].Left-paid.Breaks[0].Right)
	amounts := bookOf(t, r, "settled_amounts")
	require.EqualValues(t, 1, amounts.Broken)
	require.Equal(t, p.Recipient, amounts.Breaks[0].Recipient)
	require.Equal(t, gone.Amount, amounts.Breaks[0].Left-amounts.Breaks[0].Right)

	text := paylake(t, "verify", "--config", a.config, "--books")
	require.Equal(t, exitDifference, text.code)
	require.Contains(t, text.stdout, "BROKEN at "+p.Charge)

	before := a.world.Start().Format(time.DateOnly)
	sound, _ := a.books(t, exitDone, "--until", middle.Add(-12*time.Hour).Format(time.RFC3339), "--since", before)
	require.Zero(t, sound.Broken, "the period does not hold it")
}

func TestBooksWithoutBalanceOperations(t *testing.T) {
	a := serve(t, simapi.Config{}, "[charges, payables]")
	a.synced(t, exitDone)
	r, got := a.books(t, exitDone)
	require.Positive(t, bookOf(t, r, "charges_paid").Checked)
	require.Equal(t, "there is no table of balance_operations", bookOf(t, r, "settled_amounts").NotChecked)
	require.NotContains(t, got.stderr, "error")
}

func TestMoney(t *testing.T) {
	for cents, want := range map[int64]string{0: "0.00", 5: "0.05", -5: "-0.05", 123456: "1234.56", -9223372036854775808: "-92233720368547758.08"} {
		require.Equal(t, want, money(cents))
	}
}

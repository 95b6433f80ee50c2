package delta

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/sink"
	"github.com/paylake/paylake/sink/store"
	"github.com/paylake/paylake/sink/store/mem"
)

// paged counts requests as S3 bills them: a listing costs one for every 1000
// objects that were looked at.
type paged struct {
	*mem.Store
	mu    sync.Mutex
	extra int
}

func (p *paged) List(ctx context.Context, prefix, after string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		n := 0
		for o, err := range p.Store.List(ctx, prefix, after) {
			if n++; n > 1 && n%1000 == 1 {
				p.mu.Lock()
				p.extra++
				p.mu.Unlock()
			}
			if !yield(o, err) {
				return
			}
		}
	}
}

func (p *paged) requests() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.Calls("") + p.extra
}

// budget: a run that finds nothing new costs at most three requests.
func TestRunWithNothingNewCostsThreeRequests(t *testing.T) {
	for _, commits := range []int{1, 2, 3, 10, 11, 12, 21, 25} {
		t.Run(fmt.Sprint(commits), func(t *testing.T) {
			st := &paged{Store: mem.New()}
			l := newLake(t, st)
			fill(l, commits-1)
			l.settle()
			requireBudget(t, l.rival(), st)
		})
	}
}

// settle ends a run that nobody disturbed.
func (l *lake) settle() {
	l.t.Helper()
	vanished, warnings, err := l.Settle(context.Background())
	require.NoError(l.t, err)
	require.Empty(l.t, vanished)
	require.Empty(l.t, warnings)
}

func requireBudget(t *testing.T, run *lake, st *paged) {
	t.Helper()
	before := st.requests()
	s := run.load()
	require.Empty(t, s.Unread())
	run.settle()
	require.LessOrEqual(t, st.requests()-before, 3)
}

// A backfill leaves thousands of versions that no clean-up has taken yet.
func TestLongLogCostsThreeRequests(t *testing.T) {
	st := &paged{Store: mem.New()}
	l := newLake(t, st)
	writeLog(t, l, 1500)
	run := l.rival()
	run.put(rowsOf(1000, 2))
	run.settle()
	requireBudget(t, l.rival(), st)
	require.Equal(t, int64(1500), l.load().Version())
}

// writeLog makes a table with n versions of one file each, without checkpoints.
func writeLog(t testing.TB, l *lake, n int) {
	t.Helper()
	meta, err := l.newMetaData()
	require.NoError(t, err)
	for v := range int64(n) {
		actions := []action{{CommitInfo: []byte(fmt.Sprintf(`{"operation":"WRITE","engineInfo":"paylake/0.1.0","txnId":"t%d"}`, v))}}
		if v == 0 {
			actions = append(actions, action{Protocol: newProtocol()}, action{MetaData: meta})
		}
		actions = append(actions, action{Txn: &txn{AppID: appCommits, Version: v}}, action{Add: fakeAdd(int(v))})
		body, err := encodeActions(actions)
		require.NoError(t, err)
		require.NoError(t, l.st.Create(t.Context(), l.key(commitName(v)), body))
	}
}

// fakeAdd describes a file that is not there, as a full row of the log has it.
func fakeAdd(i int) *add {
	day := string(dayValue(i / 4))
	return &add{
		Path:            fmt.Sprintf("created_date=%s/part-%05d-0190c7a1-6a5e-7b32-9d1c-%012x-c000.zstd.parquet", day, i%4, uint64(i)*2654435761),
		PartitionValues: map[string]*string{"created_date": &day}, Size: 1_000_000 + int64(i), ModificationTime: 1_780_000_000_000 + int64(i), DataChange: true,
		Stats: fmt.Sprintf(`{"numRecords":%d,"minValues":{"id":"or_%016x","created_at":"%sT00:00:07.000Z","status":"canceled","amount":%d},`+
			`"maxValues":{"id":"or_%016x","created_at":"%sT23:59:58.000Z","status":"refunded","amount":%d},"nullCount":{"id":0,"created_at":0,"status":0,"amount":%d}}`,
			5000+i%977, uint64(i)*0x9e3779b97f4a7c15, day, i%100, uint64(i)*0xc2b2ae3d27d4eb4f, day, 900000+i, i%13),
		Tags: map[string]string{tagFingerprint: hex(uint64(i) * 0x9e3779b97f4a7c15), tagKeys: hex(uint64(i) * 0xc2b2ae3d27d4eb4f)},
	}
}

func TestChangeThatNeedNotBeMadeCostsOneListing(t *testing.T) {
	st := mem.New()
	l := newLake(t, st)
	l.put(rowsOf(0, 20))
	run := l.rival()
	c := run.replace(run.load().Version(), rowsOf(0, 20))
	before := st.Calls("")
	require.Equal(t, sink.Unchanged, run.commit(c).Outcome)
	require.Equal(t, 1, st.Calls("")-before)
	require.Equal(t, 0, func() int { before = st.Calls(""); run.settle(); return st.Calls("") - before }())
}

// Commits of another engine are read by one run, which then writes a
// checkpoint: the next run is cheap again.
func TestCommitsOfOthersAreReadOnce(t *testing.T) {
	st := &paged{Store: mem.New()}
	l := newLake(t, st)
	fill(l, 3)
	l.settle()
	for v := int64(4); v < 8; v++ {
		l.createRaw(v, `{"commitInfo":{"operation":"WRITE","engineInfo":"Apache-Spark/4.1.1 Delta-Lake/4.1.0"}}`)
	}
	run := l.rival()
	run.load()
	run.settle()
	requireBudget(t, l.rival(), st)
}

func TestSettleWritesACheckpointThatIsWhole(t *testing.T) {
	l := newMemLake(t)
	want := fill(l, 4)
	l.settle()
	require.Contains(t, l.keys(logFolder), checkpointName(4))
	for v := range int64(5) {
		require.NoError(t, l.st.Delete(t.Context(), l.key(commitName(v))))
	}
	l.requireRows(want...)
	require.Equal(t, int64(4), l.rival().load().Version())
}

func TestSettleWarnsWhereTheCheckpointFails(t *testing.T) {
	st := mem.New()
	l := newLake(t, st)
	fill(l, 3)
	st.Inject(mem.Fault{Op: mem.Put, N: 1, Err: errLost})
	vanished, warnings, err := l.Settle(t.Context())
	require.NoError(t, err)
	require.Empty(t, vanished)
	require.Len(t, warnings, 1)
	require.Contains(t, warnings[0], errLost.Error())
	l.load()
	l.settle()
	require.Contains(t, l.keys(logFolder), checkpointName(3))
}

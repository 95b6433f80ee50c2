//go:build integration

package crash_test

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/paylake/paylake/internal/faultproxy"
	"github.com/paylake/paylake/internal/simapi"
)

const bucket = "paylake-crash-test"

// onS3 is an empty place on the server that `make integration` starts.
func onS3(t *testing.T) place {
	t.Helper()
	url := os.Getenv("PAYLAKE_TEST_S3")
	require.NotEmpty(t, url, "PAYLAKE_TEST_S3 must name a server; `make integration` starts one")
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion("us-east-1"))
	require.NoError(t, err)
	client := awss3.NewFromConfig(cfg, func(o *awss3.Options) {
		o.UsePathStyle = true
		o.BaseEndpoint = aws.String(url)
	})
	if _, err := client.HeadBucket(t.Context(), &awss3.HeadBucketInput{Bucket: aws.String(bucket)}); err != nil {
		_, err = client.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: aws.String(bucket)})
		require.NoError(t, err)
	}
	return place{Endpoint: url, Bucket: bucket, Prefix: "lake/" + uuid.NewString()}
}

// inFront puts a proxy in front of the S3 server. Requests are signed for the
// proxy's address, which it passes on.
func inFront(t *testing.T, at place) *faultproxy.Proxy {
	t.Helper()
	p, err := faultproxy.Start(t.Context(), at.Endpoint)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

// Together more than 200 points, over disk and S3.
func TestPromiseExactlyOnceAndAtomicUnderKillEverywhere(t *testing.T) {
	n := 0
	t.Run("disk", func(t *testing.T) { n += killEverywhere(t, onDisk, 18) })
	t.Run("s3", func(t *testing.T) { n += killEverywhere(t, onS3, 7) })
	t.Run("s3 requests", func(t *testing.T) { n += killAtRequests(t, 10) })
	t.Log("killed ", n)
	require.Greater(t, n, 200)
}

// killAtRequests kills a sync at requests to the S3 server: before the server
// sees one, and when it took effect and nobody heard of it.
func killAtRequests(t *testing.T, each int) int {
	var killed atomic.Int64
	for _, v := range variants() {
		t.Run(v.name, func(t *testing.T) {
			s := prepare(t, v, onS3)
			for i := range each {
				n := 1 + i*int(s.calls)/each
				m := []faultproxy.Moment{faultproxy.Arrived, faultproxy.Answered}[i%2]
				t.Run(fmt.Sprintf("%s %d", m, n), func(t *testing.T) {
					t.Parallel()
					if s.killWith(t, func(a *account) ended { return killedAt(t, a, s.order(a), n, m) }) {
						killed.Add(1)
					}
				})
			}
		})
	}
	return int(killed.Load())
}

func killedAt(t *testing.T, a *account, o order, n int, m faultproxy.Moment) ended {
	t.Helper()
	front := inFront(t, o.Place)
	o.Place.Endpoint = front.URL()
	started := make(chan *process, 1)
	front.Hook(func(e faultproxy.Event) {
		if e.N == n && e.Moment == m {
			(<-started).kill()
		}
	})
	child := a.begin(o)
	started <- child
	return child.wait(t)
}

func TestEightWritersOnS3(t *testing.T) {
	at := onS3(t)
	eightWriters(t, at, inFront(t, at))
}

// Under each fault of the S3 server alone, and under all at once of both
// servers by seed, a sync ends right or says what failed, and the next one
// completes it.
func TestSyncSurvivesFaultsOfS3(t *testing.T) {
	for _, k := range storeKinds() {
		t.Run(string(k), func(t *testing.T) {
			t.Parallel()
			faultyS3(t, faultproxy.Chance{}, faultproxy.Chance{Seed: 1, Share: 0.2, Kinds: []faultproxy.Kind{k}})
		})
	}
	for seed := range uint64(30) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			faultyS3(t, faultproxy.Chance{Seed: seed, Share: 0.2, Kinds: apiKinds()}, faultproxy.Chance{Seed: seed, Share: 0.2, Kinds: storeKinds()})
		})
	}
}

func faultyS3(t *testing.T, ofAPI, ofStore faultproxy.Chance) {
	a := smallAccount(t)
	a.place = onS3(t)
	front := inFront(t, a.place)
	api, err := faultproxy.Start(t.Context(), a.url)
	require.NoError(t, err)
	defer api.Close()
	bad(t, a, 2, func(o *order) {
		o.API, o.Place.Endpoint = api.URL()+simapi.BasePath, front.URL()
		api.Set(faultproxy.Plan{Chance: ofAPI})
		front.Set(faultproxy.Plan{Chance: ofStore})
	}, func() { require.NotEmpty(t, front.Faults(), "nothing went wrong") })
}

var commitObject = regexp.MustCompile(`/_delta_log/\d{20}\.json(\?|$)`)

// The answer to exactly the put of a commit is lost, once, or until the run
// gives up on the server. The rows are there once, and no data file of a
// commit whose fate is not known is deleted.
func TestLostAnswerToExactlyTheCommitPut(t *testing.T) {
	for name, plan := range map[string]faultproxy.Plan{
		"once":       {Rules: []faultproxy.Rule{{Method: http.MethodPut, Path: commitObject, Times: 1, Kind: faultproxy.LostAnswer}}},
		"each first": {Rules: []faultproxy.Rule{{Method: http.MethodPut, Path: commitObject, Kind: faultproxy.LostAnswer}}},
		"and then nothing can be read": {Rules: []faultproxy.Rule{
			{Method: http.MethodPut, Path: commitObject, Kind: faultproxy.LostAnswer},
			{Method: http.MethodGet, Path: commitObject, From: 2, Kind: faultproxy.CutBefore},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := smallAccount(t)
			a.streams = []string{simapi.Orders, simapi.Recipients}
			a.place = onS3(t)
			front := inFront(t, a.place)
			st, err := a.place.open(t.Context())
			require.NoError(t, err)
			l := newLake(st)
			w := watch(l, a.streams)
			front.Set(plan)
			o := a.order()
			o.Place.Endpoint = front.URL()
			e := a.run(o)
			requireNamed(t, e)
			require.Positive(t, front.Faults()[faultproxy.LostAnswer])
			if len(plan.Rules) == 1 {
				require.Equal(t, 0, e.code, "%s", e)
				requireTruth(t, l, a.streams, a.truths())
			}
			requireHistory(t, l, a.streams, a.truths()) // every file of every commit is there
			a.sync(a.order())
			w.stop(t)
			requireTruth(t, l, a.streams, a.truths())
			requireHistory(t, l, a.streams, a.truths())
		})
	}
}

// Each trouble with the bucket gives one message that says what to do.
func TestMessagesOfS3(t *testing.T) {
	for name, c := range map[string]struct {
		change func(o *order)
		answer faultproxy.Canned
		says   string
	}{
		"no bucket":      {change: func(o *order) { o.Place.Bucket = "paylake-no-such-bucket" }, says: "does not exist; create it"},
		"access denied":  {answer: faultproxy.S3Error(403, "AccessDenied", "Access Denied"), says: "paylake check"},
		"clock is wrong": {answer: faultproxy.S3Error(403, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large."), says: "clock"},
		"token expired":  {answer: faultproxy.S3Error(400, "ExpiredToken", "The provided token has expired."), says: "expired; renew"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := smallAccount(t)
			a.streams = []string{simapi.Orders}
			a.place = onS3(t)
			front := inFront(t, a.place)
			o := a.order()
			o.Place.Endpoint = front.URL()
			if c.change != nil {
				c.change(&o)
			}
			if c.answer.Status != 0 {
				front.Set(faultproxy.Plan{Rules: []faultproxy.Rule{{Kind: faultproxy.Answer, Answer: c.answer}}})
			}
			begun := time.Now()
			e := a.run(o)
			t.Logf("after %s: %s", time.Since(begun).Round(time.Millisecond), e)
			requireOneMessage(t, e, c.says)
			a.sync(a.order())
		})
	}
}

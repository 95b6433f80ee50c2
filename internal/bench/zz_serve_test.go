package bench

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/paylake/paylake/internal/simapi"
)

func TestZZServe(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("ZZ_N"))
	w := world(simapi.Orders, n)
	url, stop, _ := simapi.Listen(context.Background(), simapi.New(w, simapi.Config{NoLimits: true}))
	defer stop()
	os.WriteFile("/tmp/zz.yaml", []byte(fmt.Sprintf(config, "/tmp/zzlake", url, w.Start().Format(time.DateOnly), os.Getenv("ZZ_S"), os.Getenv("ZZ_S"), "/tmp/zzwork")), 0o600)
	select {}
}

package host

import (
	"context"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/twofoldhq/twofold/targets/proxy"
)

// gateway is what listens at a deployment's URL. Each request goes to the
// workload that is current when it comes, and stays with it to its end.
type gateway struct {
	*proxy.Switch[workload]
	server *http.Server
}

// serving is a workload and the requests that are in flight to it.
type serving = proxy.Turn[workload]

// newGateway serves on a listener until it is closed.
func newGateway(l net.Listener, w workload, logger *log.Logger) *gateway {
	g := &gateway{Switch: proxy.NewSwitch(w)}
	g.server = &http.Server{
		Handler:                      g,
		ReadHeaderTimeout:            time.Minute,
		ErrorLog:                     logger,
		DisableGeneralOptionsHandler: true, // OPTIONS * is the app's to answer
	}
	go g.server.Serve(l)
	return g
}

// close stops listening, waits for the requests in flight until ctx ends, and
// cuts off the others.
func (g *gateway) close(ctx context.Context) {
	if g.server.Shutdown(ctx) == nil {
		// Shutdown does not know the connections that were upgraded.
		select {
		case <-g.End().Drained():
		case <-ctx.Done():
		}
	}
	g.server.Close()
}

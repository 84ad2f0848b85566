package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	sdnotify "github.com/coreos/go-systemd/v22/daemon"

	"github.com/puppet-cron/puppet-cron/collector"
	"github.com/puppet-cron/puppet-cron/collector/alerts"
	"github.com/puppet-cron/puppet-cron/collector/pki"
)

// stopTime is how long requests that were begun may take once the collector is to end.
const stopTime = 20 * time.Second

// service is a collector that serves.
type service struct {
	log       *slog.Logger
	listener  net.Listener
	collector *collector.Collector
	trust     *pki.Trust // nil: plain HTTP
	pruner    *pruner
	ticker    *ticker
	alerts    *alerts.Worker
}

// run serves until ctx is done, and ends in good order: no new connections, answers to
// what was begun, and only then the commits that those answers wait for.
func (v *service) run(ctx context.Context) error {
	background, end := context.WithCancel(context.WithoutCancel(ctx))
	var parts sync.WaitGroup
	defer parts.Wait()
	defer end()
	parts.Go(func() { v.collector.Run(background) })
	parts.Go(func() { v.pruner.run(background) })
	parts.Go(func() { v.ticker.run(background) })
	parts.Go(func() { v.alerts.Run(background) })

	var config *tls.Config
	if v.trust != nil {
		config = v.trust.TLSConfig()
		parts.Go(func() { v.trust.Run(background) })
	}
	server := collector.NewServer(v.listener.Addr().String(), v.collector.Handler(), config, v.log)
	served := make(chan error, 1)
	go func() { served <- serveOn(server, v.listener) }()
	tell(sdnotify.SdNotifyReady)
	select {
	case err := <-served:
		return fmt.Errorf("cannot serve any longer: %w", err)
	case <-ctx.Done():
	}
	tell(sdnotify.SdNotifyStopping)
	v.log.Info("stopping")
	return v.shutdown(server)
}

func serveOn(server *http.Server, listener net.Listener) error {
	if server.TLSConfig != nil {
		return server.ServeTLS(listener, "", "")
	}
	return server.Serve(listener)
}

func (v *service) shutdown(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		v.log.Warn("some requests did not end in time, and were cut off; nodes send again what was not acknowledged", "after", stopTime)
		return server.Close()
	}
	return err
}

// tell is sd_notify(3). It fails only when nobody listens.
func tell(words string) { _, _ = sdnotify.SdNotify(false, words) }

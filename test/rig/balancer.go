//go:build linux

package rig

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Balancer is Debian's nginx, which passes TCP through to collectors as it is: TLS does not end in it.
type Balancer struct {
	*Process
	Address string
}

// nginxConf has everything in the folder that -p names, and nothing of Debian's. One process does it all, so that a kill
// meets the balancer and not only its supervisor.
const nginxConf = `daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
events { worker_connections 4096; }
stream {
	upstream collectors {
%s	}
	server {
		listen %s;
		proxy_pass collectors;
		proxy_connect_timeout 2s;
	}
}
`

// Balance starts a balancer before these addresses, on a port of loopback.
func Balance(t testing.TB, collectors ...string) *Balancer {
	t.Helper()
	dir := t.TempDir()
	b := &Balancer{Address: FreeAddress(t)}
	var upstream strings.Builder
	for _, c := range collectors {
		fmt.Fprintf(&upstream, "\t\tserver %s max_fails=1 fail_timeout=1s;\n", c)
	}
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConf, upstream.String(), b.Address), 0o644); err != nil {
		t.Fatal(err)
	}
	b.Process = Start(t, "nginx", func() *exec.Cmd {
		return exec.Command("nginx", "-p", dir, "-c", config, "-e", "stderr")
	})
	Listening(t, b.Address)
	return b
}

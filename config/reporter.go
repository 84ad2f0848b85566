package config

// Reporter says where outcomes are reported.
type Reporter struct {
	URL       string // of the collector; "" is nowhere
	TLS       TLS
	TokenFile string // holds a bearer token, for collectors that are not ours
	SpoolMax  int    // outcomes that wait at most
	LogTail   int64  // bytes of Puppet's output that are sent with a run
}

// TLS says by what the node and the collector know each other.
type TLS struct {
	Mode          TLSMode
	Cert, Key, CA string // of TLSFiles; without CA, what the system trusts
}

// TLSMode is where certificates are.
type TLSMode string

// The modes.
const (
	TLSPuppet TLSMode = "puppet" // the node's certificate, CA and CRL of Puppet's
	TLSFiles  TLSMode = "files"
	TLSNone   TLSMode = "none" // plain HTTP, on loopback only
)

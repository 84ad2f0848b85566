// Package pki keeps the collector's TLS material: its own certificate, the CA that nodes'
// certificates come from, and the CRL. Files that change count without a restart, and the
// CRL is fetched from the CA, too.
package pki

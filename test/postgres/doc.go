// Package postgres runs a real PostgreSQL for tests, from Debian's packages, on a unix socket in a directory of its
// own. It keeps what it has committed, as one in production does, and can be killed and started again.
package postgres

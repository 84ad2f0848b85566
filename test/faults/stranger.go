package faults

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// A stranger's answers. None of them is a collector's: none of them may cost a run.
var answers = []struct {
	status int
	kind   string
	header string // one more line
	body   string
}{
	{http.StatusOK, html, "", page}, // of a portal: log in first
	{http.StatusOK, "application/json", "", `{"results":[]}`},
	{http.StatusNoContent, html, "", ""},
	{http.StatusBadRequest, html, "", page},
	{http.StatusUnauthorized, html, `WWW-Authenticate: Basic realm="proxy"`, page},
	{http.StatusForbidden, html, "", page},
	{http.StatusNotFound, html, "", page},
	{http.StatusNotFound, problem, "", `{"type":"about:blank","title":"Not Found","status":404}`},
	{http.StatusMethodNotAllowed, html, "Allow: GET", page},
	{http.StatusProxyAuthRequired, html, `Proxy-Authenticate: Basic realm="proxy"`, page},
	{http.StatusRequestTimeout, html, "", page},
	{http.StatusRequestEntityTooLarge, html, "", page},
	{http.StatusUnprocessableEntity, html, "", page},
	{http.StatusUnprocessableEntity, problem, "", `{"type":"https://waf.example.com/problems/blocked","title":"Blocked","status":422}`},
	{http.StatusUnprocessableEntity, problem, "", `{"title":"Unprocessable","status":422}`},
	{http.StatusTooManyRequests, html, "Retry-After: 31536000", page},
	{http.StatusTooManyRequests, html, "Retry-After: Fri, 31 Dec 2038 23:59:59 GMT", page},
	{http.StatusTooManyRequests, html, "Retry-After: -1", page},
	{http.StatusInternalServerError, html, "", page},
	{http.StatusBadGateway, html, "", page},
	{http.StatusServiceUnavailable, html, "Retry-After: 99999999999999999999", page},
	{http.StatusGatewayTimeout, html, "", page},
	// Whoever follows it asks for a page, and gets it: 200.
	{http.StatusFound, html, "Location: " + portal, page},
	{http.StatusTemporaryRedirect, html, "Location: " + portal, page},
}

const (
	html    = "text/html; charset=utf-8"
	problem = "application/problem+json"
	portal  = "/portal"
	page    = "<html><body><h1>An answer of somebody else</h1></body></html>\n"
)

// answer speaks to a client in the server's place, the same for all that one asks on one connection.
func (i *Injector) answer(client net.Conn, l lot) {
	if i.config.TLS != nil {
		client = tls.Server(client, i.config.TLS)
	}
	a := answers[l.dice.IntN(len(answers))]
	early := l.dice.IntN(2) == 0 // before the request's body was read
	requests := bufio.NewReader(client)
	for {
		request, err := http.ReadRequest(requests)
		if err != nil {
			return
		}
		if !early {
			io.Copy(io.Discard, request.Body)
		}
		answered := a
		if strings.HasPrefix(request.URL.Path, portal) {
			answered.status, answered.kind, answered.header, answered.body = http.StatusOK, html, "", page
		}
		if answered.header != "" {
			answered.header += "\r\n"
		}
		fmt.Fprintf(client, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n%s", answered.status,
			http.StatusText(answered.status), answered.kind, len(answered.body), answered.header, answered.body)
		if early {
			// Close in good order: a reset would take the answer away again.
			linger(client)
			return
		}
	}
}

// linger ends a connection whose client may still be talking.
func linger(conn net.Conn) {
	if c, ok := conn.(interface{ CloseWrite() error }); ok {
		c.CloseWrite()
	}
	conn.SetReadDeadline(time.Now().Add(time.Second))
	io.Copy(io.Discard, conn)
}

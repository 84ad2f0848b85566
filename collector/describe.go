package collector

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

const description = `Takes the outcomes of Puppet runs from nodes, and answers questions about the fleet.

Who asks is known by a certificate of Puppet's CA or by a bearer token. A node's certificate
lets it write and read its own certname only. The certificates of operators, and tokens, have
a role: viewer reads, operator retires nodes, too, admin also reads the audit log.

Times are RFC 3339, durations are in seconds, sizes in bytes. Every answer of "no" is
application/problem+json (RFC 9457). Readers must ignore fields that they do not know, and
expect outcomes, reasons and statuses that they do not know.`

const putText = `Idempotent. The answer comes after the commit. A record without outcome is a start, which never
replaces a final; the first final wins. A body may be packed with Content-Encoding: gzip.

Only a problem whose type ends in /rejected means that the run can never be stored: give it up.
After everything else, send it again later.`

const batchText = `The oldest run first. Each run has its own status: stored, known (it was there before), rejected (it
can never be stored), forbidden (it is another node's), or one that the caller does not know: keep
the run. No problem is of type /rejected here: after 413 send fewer runs at once, after everything
else send them again later. When all runs are other nodes', the answer is 403.`

// meaning says what a status means in this API.
func meaning(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "The request is not in the form that is asked for."
	case http.StatusUnauthorized:
		return "Nobody knows who asks: no certificate, and no token that is valid."
	case http.StatusForbidden:
		return "Who asks may not do that, or his certificate was revoked or is no longer trusted. The attempt is in the audit log."
	case http.StatusNotFound:
		return "There is none."
	case http.StatusRequestTimeout:
		return "The body came too slowly."
	case http.StatusRequestEntityTooLarge:
		return "The body is larger than 4 MiB, unpacked, or has too many runs."
	case http.StatusUnsupportedMediaType:
		return "The Content-Encoding is neither gzip nor identity."
	case http.StatusUnprocessableEntity:
		return "A value is out of its bounds, or a query parameter is not one of these; errors names each."
	case http.StatusInternalServerError:
		return "Something went wrong in the collector. Its log says more, under the number in detail."
	case http.StatusServiceUnavailable:
		return "The collector cannot do it now. Come again after Retry-After seconds."
	}
	return http.StatusText(status)
}

// describe mends what the Go types alone say wrongly, and adds what they do not say.
func describe(spec *huma.OpenAPI) {
	schemas := spec.Components.Schemas.Map()
	// They come from huma's own errors, which never leave as such.
	delete(schemas, "ErrorModel")
	delete(schemas, "ErrorDetail")
	// Go writes these two always; whoever sends a run need not.
	schemas["Run"].Required = []string{"schema", "id", "certname", "trigger"}
	texts := fieldTexts()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		for field, property := range schemas[name].Properties {
			property.Description = texts[name][field]
			if name == "Stored" && property.Description == "" {
				property.Description = texts["Run"][field]
			}
			property.Nullable = false // what is not known is left out
		}
	}
}

// OpenAPI is the API's description, OpenAPI 3.1 as JSON. It is docs/openapi.json.
func (c *Collector) OpenAPI() []byte {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	_ = enc.Encode(c.spec) // it is made of texts and numbers
	return out.Bytes()
}

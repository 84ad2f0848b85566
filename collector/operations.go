package collector

import (
	"context"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/puppet-cron/puppet-cron/api"
)

// addOperations gives every path its handler, and the description its text.
func (c *Collector) addOperations(version string) {
	config := huma.DefaultConfig("puppet-cron-collector", version)
	config.CreateHooks = nil // no $schema in answers
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.RejectUnknownQueryParameters = true
	config.AllowAdditionalPropertiesByDefault = true
	config.Transformers = []huma.Transformer{translate}
	config.Info.Description = description
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"certificate": {Type: "mutualTLS", Description: "A certificate of Puppet's CA, of a node or of an operator."},
		"token":       {Type: "http", Scheme: "bearer", Description: "A token with the role viewer, operator or admin."},
	}
	config.Security = []map[string][]string{{"certificate": {}}, {"token": {}}}
	h := humago.New(c.mux, config)
	problems := h.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[api.Problem](), true, "")
	add := adder{h, problems}
	c.addRuns(add)
	c.addNodes(add)
	c.addOthers(add)
	c.spec = h.OpenAPI()
	describe(c.spec)
	c.mux.HandleFunc("GET /v1/openapi.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(c.OpenAPI()) // who has left misses it
	})
	c.mux.HandleFunc("GET /healthz", c.healthz)
	c.mux.HandleFunc("GET /readyz", c.readyz)
	c.mux.HandleFunc("GET /metrics", c.serveMetrics)
}

// adder adds operations to a description. Each may answer with a problem.
type adder struct {
	api      huma.API
	problems *huma.Schema
}

// with adds what each operation has: the problems that it answers with.
func (a adder) with(op huma.Operation, errors ...int) huma.Operation {
	if op.Responses == nil {
		op.Responses = make(map[string]*huma.Response)
	}
	errors = append(errors, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusUnprocessableEntity,
		http.StatusInternalServerError, http.StatusServiceUnavailable)
	for _, status := range errors {
		op.Responses[strconv.Itoa(status)] = &huma.Response{
			Description: meaning(status),
			Content:     map[string]*huma.MediaType{problemType: {Schema: a.problems}},
		}
	}
	return op
}

func register[I, O any](a adder, op huma.Operation, handler func(context.Context, *I) (*O, error), errors ...int) {
	body := op.RequestBody
	op.RequestBody = nil
	huma.Register(a.api, a.with(op, errors...), handler)
	if body == nil {
		return
	}
	// Told of the body before, huma would read and judge it by itself: without a budget,
	// and all runs of a batch as one.
	at := a.api.OpenAPI().Paths[op.Path]
	if op.Method == http.MethodPut {
		at.Put.RequestBody = body
	} else {
		at.Post.RequestBody = body
	}
}

// answers describes an answer of a type.
func (a adder) answers(t reflect.Type, text string) *huma.Response {
	schema := a.api.OpenAPI().Components.Schemas.Schema(t, true, "")
	return &huma.Response{Description: text, Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
}

func (a adder) takes(t reflect.Type, text string) *huma.RequestBody {
	schema := a.api.OpenAPI().Components.Schemas.Schema(t, true, "")
	return &huma.RequestBody{Required: true, Description: text, Content: map[string]*huma.MediaType{"application/json": {Schema: schema}}}
}

func (c *Collector) addRuns(add adder) {
	answer := reflect.TypeFor[api.Answer]()
	register(add, huma.Operation{
		OperationID: "put-run", Method: http.MethodPut, Path: "/v1/runs/{id}", Tags: []string{"runs"},
		Summary:     "Report one run",
		Description: putText,
		RequestBody: add.takes(reflect.TypeFor[api.Run](), "At most 4 MiB, unpacked. Fields, outcomes and reasons that the collector does not know are taken."),
		Responses: map[string]*huma.Response{
			"200": add.answers(answer, "The run was known before; the first final record stays."),
			"201": add.answers(answer, "The run is committed."),
		},
	}, c.putRun, 408, 413, 415)
	register(add, huma.Operation{
		OperationID: "put-runs", Method: http.MethodPost, Path: "/v1/runs:batch", Tags: []string{"runs"},
		Summary:     "Report a backlog of runs",
		Description: batchText,
		RequestBody: add.takes(reflect.TypeFor[api.Batch](), "At most 500 runs and 4 MiB, unpacked."),
		Responses:   map[string]*huma.Response{"200": add.answers(answer, "What became of each run, in their order.")},
	}, c.putBatch, 408, 413, 415)
	register(add, huma.Operation{
		OperationID: "list-runs", Method: http.MethodGet, Path: "/v1/runs", Tags: []string{"runs"},
		Summary:     "List runs",
		Description: "Final records, the last received first. A page may have fewer runs than asked for, or none, and still a next_cursor. A node gets its own.",
		Responses:   map[string]*huma.Response{"200": add.answers(reflect.TypeFor[runList](), "A page of runs.")},
	}, c.listRuns)
	register(add, huma.Operation{
		OperationID: "get-run", Method: http.MethodGet, Path: "/v1/runs/{id}", Tags: []string{"runs"},
		Summary:     "Get a run",
		Description: "The final record, or as long as there is none the start. A node gets its own.",
		Responses:   map[string]*huma.Response{"200": add.answers(reflect.TypeFor[Stored](), "The run.")},
	}, c.getRun, 404)
}

func (c *Collector) addNodes(add adder) {
	list := add.answers(reflect.TypeFor[nodeList](), "A page of nodes; with format=names the certnames of all nodes, one a line. The connection breaks when that list cannot be ended.")
	list.Content["text/plain"] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	register(add, huma.Operation{
		OperationID: "list-nodes", Method: http.MethodGet, Path: "/v1/nodes", Tags: []string{"nodes"},
		Summary:     "List nodes",
		Description: "By certname. A node gets itself.",
		Responses:   map[string]*huma.Response{"200": list},
	}, c.listNodes)
	register(add, huma.Operation{
		OperationID: "get-node", Method: http.MethodGet, Path: "/v1/nodes/{certname}", Tags: []string{"nodes"},
		Summary: "Get a node", Description: "Retired ones, too. A node gets itself.",
	}, c.getNode, 404)
	register(add, huma.Operation{
		OperationID: "retire-node", Method: http.MethodPost, Path: "/v1/nodes/{certname}/retire", Tags: []string{"nodes"},
		Summary:     "Retire a node",
		Description: "Takes it out of lists and counts and frees its slot. Its runs stay as long as others do, and it is back when it reports again. Role: operator.",
	}, c.retireNode, 404)
	register(add, huma.Operation{
		OperationID: "acknowledge-node", Method: http.MethodPost, Path: "/v1/nodes/{certname}/acknowledge", Tags: []string{"nodes"},
		Summary:      "Acknowledge a node's trouble",
		Description:  "Says that somebody looks after it, until it is over. Role: operator.",
		MaxBodyBytes: 8 << 10,
	}, c.acknowledgeNode, 404, 413)
	register(add, huma.Operation{
		OperationID: "list-failing-resources", Method: http.MethodGet, Path: "/v1/resources", Tags: []string{"resources"},
		Summary:     "List resources that fail",
		Description: "In the last run of nodes that was not skipped; those of most nodes first. Role: viewer.",
	}, c.listResources)
	register(add, huma.Operation{
		OperationID: "list-failing-nodes", Method: http.MethodGet, Path: "/v1/resources/nodes", Tags: []string{"resources"},
		Summary: "List the nodes where a resource fails", Description: "By certname. Role: viewer.",
	}, c.listResourceNodes)
	register(add, huma.Operation{
		OperationID: "list-alerts", Method: http.MethodGet, Path: "/v1/alerts", Tags: []string{"alerts"},
		Summary:     "List what people were told",
		Description: "The newest first, each with its deliveries to webhooks. Role: viewer.",
	}, c.listAlerts)
}

func (c *Collector) addOthers(add adder) {
	register(add, huma.Operation{
		OperationID: "get-summary", Method: http.MethodGet, Path: "/v1/summary", Tags: []string{"nodes"},
		Summary: "Count nodes", Description: "Nodes that are not retired, by outcome and reason. Role: viewer.",
	}, c.getSummary)
	register(add, huma.Operation{
		OperationID: "list-audit", Method: http.MethodGet, Path: "/v1/audit", Tags: []string{"audit"},
		Summary:     "List who changed what, or tried to",
		Description: "The newest first. Of attempts that were refused, by the same caller and of the same kind, there is one entry a minute that counts them. Role: admin.",
	}, c.getAudit)
}

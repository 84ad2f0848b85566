package api

// What a node and a collector say to each other, beside the Run itself.
//
//	PUT  /v1/runs/{id}    a Run    -> Answer, of one result
//	POST /v1/runs:batch   a Batch  -> Answer
//
// Every other answer is a Problem.

// Bounds of a batch. A body is counted after it was unpacked.
const (
	MaxBatchRuns  = 500
	MaxBatchBytes = 4 << 20
)

// Batch is a backlog of runs, the oldest first.
type Batch struct {
	Runs []*Run `json:"runs"`
}

// Answer says what became of the runs, one Result each, in their order.
type Answer struct {
	Results []Result `json:"results"`
	// Slot is the node's place among all nodes of its interval, from 0 up to but not
	// including 1. Without it the collector has none to give.
	Slot *float64 `json:"slot,omitempty"`
}

// Result is what became of one run.
type Result struct {
	ID     string `json:"id"`
	Status Status `json:"status"`
	Error  string `json:"error,omitempty"` // what is wrong with a run that was not taken
}

// Status is what became of a run. The set is open: a node keeps a run whose status it
// does not know.
type Status string

// The statuses.
const (
	Stored    Status = "stored"    // it is in the store since now
	AlreadyIn Status = "known"     // it was in the store before; the first final stays
	Rejected  Status = "rejected"  // it can never be stored
	Forbidden Status = "forbidden" // it is another node's
)

// Taken reports whether the node need not keep the run any longer.
func (s Status) Taken() bool { return s == Stored || s == AlreadyIn }

// Problem is an answer of "no": application/problem+json, RFC 9457.
type Problem struct {
	Type   string   `json:"type,omitempty"`
	Title  string   `json:"title,omitempty"`
	Status int      `json:"status,omitempty"`
	Detail string   `json:"detail,omitempty"`
	Errors []string `json:"errors,omitempty"` // one for each field that is wrong
}

// ProblemRejected is the type of the only problem for which a node gives a run up.
// A proxy's own 400 or 422 does not have it.
const ProblemRejected = "/problems/rejected"

package sqlstore

import (
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"

	"github.com/puppet-cron/puppet-cron/api"
	"github.com/puppet-cron/puppet-cron/collector"
)

// errOthers is what a node is told of a run that another one has.
const errOthers = "the id is that of another node's run"

// Put stores runs. A start that is older than the one which the node has is not kept; it
// is known, for nothing is lost. So is a start beside its own final.
func (s *Store) Put(ctx context.Context, received time.Time, runs []*api.Run) ([]collector.Receipt, error) {
	if len(runs) == 0 {
		return nil, nil
	}
	traits, err := s.traitsOfAll(ctx, runs, received.UnixMicro())
	if err != nil {
		return nil, s.failed("store the runs", err)
	}
	var receipts []collector.Receipt
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		p := &put{Store: s, tx: tx, received: received.UnixMicro(), runs: runs, traits: traits, receipts: make([]collector.Receipt, len(runs))}
		receipts = p.receipts
		return p.all(ctx)
	})
	if err != nil {
		return nil, s.failed("store the runs", err)
	}
	return receipts, nil
}

// put is one Put in its transaction.
type put struct {
	*Store
	tx       *sql.Tx
	received int64
	runs     []*api.Run
	traits   []int64
	receipts []collector.Receipt

	nodes  map[string]*nodeState
	owners map[string]owner
	rows   []row // the finals to be stored
	of     []int // their places among the runs
}

func (p *put) all(ctx context.Context) error {
	for _, step := range []func(context.Context) error{p.look, p.insert, p.place, p.judge, p.update} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	for i, run := range p.runs {
		p.receipts[i].Slot = p.nodes[run.Certname].fraction()
	}
	return nil
}

// look settles what becomes of each run, as far as other transactions do not interfere.
func (p *put) look(ctx context.Context) error {
	certnames, ids := make([]string, len(p.runs)), make([]string, len(p.runs))
	for i, run := range p.runs {
		certnames[i], ids[i] = run.Certname, run.ID
	}
	slices.Sort(certnames)
	var err error
	if p.nodes, err = p.db.nodes(ctx, p.tx, slices.Compact(certnames), p.received); err != nil {
		return err
	}
	if p.owners, err = p.db.owners(ctx, p.tx, ids); err != nil {
		return err
	}
	for i, run := range p.runs {
		if err := p.settle(i, run); err != nil {
			return err
		}
	}
	return nil
}

func (p *put) settle(i int, run *api.Run) error {
	node, final := p.nodes[run.Certname], run.Outcome != ""
	node.seen(p.received)
	if o, ok := p.owners[run.ID]; ok && (o.node != node.id || o.final || !final) {
		p.receipts[i] = answer(o, node)
		return nil
	}
	p.receipts[i].Status = api.Stored
	if !final {
		before := string(node.start.id)
		if !node.begin(run, p.received) {
			p.receipts[i].Status = api.AlreadyIn
			return nil
		}
		delete(p.owners, before)
		p.owners[run.ID] = owner{node.id, false}
		return nil
	}
	p.owners[run.ID] = owner{node.id, true}
	node.end(run)
	r, err := p.newRow(run, node.id, p.traits[i], p.received)
	p.rows, p.of = append(p.rows, r), append(p.of, i)
	return err
}

// answer is for a run that is not stored, because one of its id is there.
func answer(o owner, node *nodeState) collector.Receipt {
	if o.node != node.id {
		return collector.Receipt{Status: api.Rejected, Error: errOthers}
	}
	return collector.Receipt{Status: api.AlreadyIn}
}

// insert stores the finals. Those that another collector has stored meanwhile can only be
// another node's, for the node is locked.
func (p *put) insert(ctx context.Context) error {
	if len(p.rows) == 0 {
		return nil
	}
	stored, err := p.db.insert(ctx, p.tx, p.rows)
	if err != nil {
		return err
	}
	for k, ok := range stored {
		i := p.of[k]
		if !ok {
			p.receipts[i] = collector.Receipt{Status: api.Rejected, Error: errOthers}
			continue
		}
		if err := p.nodes[p.runs[i].Certname].finish(p.runs[i], p.received); err != nil {
			return err
		}
	}
	return nil
}

// sorted are the nodes in the order in which everybody locks and changes them.
func (p *put) sorted() []*nodeState {
	nodes := make([]*nodeState, 0, len(p.nodes))
	for _, certname := range slices.Sorted(maps.Keys(p.nodes)) {
		nodes = append(nodes, p.nodes[certname])
	}
	return nodes
}

func (p *put) judge(ctx context.Context) error {
	return p.Store.judge(ctx, p.tx, p.sorted(), p.received)
}

func (p *put) place(ctx context.Context) error { return p.Store.place(ctx, p.tx, p.sorted()) }

func (p *put) update(ctx context.Context) error {
	nodes := p.sorted()
	if err := p.keepStarts(ctx, nodes); err != nil {
		return err
	}
	return p.db.update(ctx, p.tx, nodes)
}

// keepStarts lets the table of starts follow the nodes' states. All old ones go first: an id may
// have gone from one node to another.
func (p *put) keepStarts(ctx context.Context, nodes []*nodeState) error {
	nodes = slices.DeleteFunc(slices.Clone(nodes), func(n *nodeState) bool { return n.start.id == n.startBefore })
	for _, n := range nodes {
		if n.startBefore == "" {
			continue
		}
		if _, err := p.tx.ExecContext(ctx, "DELETE FROM starts WHERE node = $1", n.id); err != nil {
			return err
		}
	}
	for _, n := range nodes {
		if n.start.id == "" {
			continue
		}
		packed, err := p.details.pack(n.startRun)
		if err != nil {
			return err
		}
		if _, err := p.tx.ExecContext(ctx, "INSERT INTO starts (node, id, received, run) VALUES ($1, $2, $3, $4)",
			n.id, p.db.id(string(n.start.id)), p.received, packed); err != nil {
			return err
		}
	}
	return nil
}

// addOwners reads the rows of a query for owners; a final outranks a start.
func addOwners(owners map[string]owner) func(*sql.Rows, error) error {
	return func(rows *sql.Rows, err error) error {
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id scanID
			var o owner
			if err := rows.Scan(&id, &o.node, &o.final); err != nil {
				return err
			}
			if !owners[string(id)].final {
				owners[string(id)] = o
			}
		}
		return rows.Err()
	}
}

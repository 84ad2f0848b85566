-- +goose Up

-- How nodes stand. deadline is not after the time at which a node may stand otherwise though
-- nothing is heard of it: runs do not move it, which would cost an index's update each, but
-- who looks at the node then does.
ALTER TABLE nodes ADD COLUMN expected INTEGER;
ALTER TABLE nodes ADD COLUMN presence TEXT NOT NULL DEFAULT 'unknown';
ALTER TABLE nodes ADD COLUMN troubles INTEGER NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN streak INTEGER NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN exec_ms INTEGER;
ALTER TABLE nodes ADD COLUMN cert_ends INTEGER;
ALTER TABLE nodes ADD COLUMN utc_offset_s INTEGER;
ALTER TABLE nodes ADD COLUMN failing INTEGER NOT NULL DEFAULT 0; -- rows in the table failing
ALTER TABLE nodes ADD COLUMN deadline INTEGER;
UPDATE nodes SET expected = CASE WHEN interval_s > 0 THEN last_seen + CAST(interval_s * 1000000 AS INTEGER) END
  WHERE retired IS NULL;
ALTER TABLE traits ADD COLUMN utc_offset_s INTEGER;
CREATE INDEX nodes_deadline ON nodes (deadline) WHERE deadline IS NOT NULL;

-- What is wrong with nodes, as nodes.troubles has it in bits. alert is the one that people
-- were told by, remind when they are told again.
CREATE TABLE troubles (
  node INTEGER NOT NULL,
  kind TEXT NOT NULL,
  since INTEGER NOT NULL,
  reason TEXT NOT NULL,
  acked_at INTEGER, acked_by TEXT, acked_comment TEXT,
  alert BLOB, remind INTEGER,
  PRIMARY KEY (node, kind)
);
CREATE INDEX troubles_kind ON troubles (kind, reason, since);
CREATE INDEX troubles_alert ON troubles (alert) WHERE alert IS NOT NULL;
CREATE INDEX troubles_remind ON troubles (remind) WHERE remind IS NOT NULL;

-- Troubles that began or ended, committed with what showed it, until they are taken into alerts.
CREATE TABLE changes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  node INTEGER NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  began INTEGER NOT NULL,
  since INTEGER NOT NULL,
  alert BLOB, -- of one that ended: the alert that people were told by
  well INTEGER NOT NULL -- of one that ended: no other of the same sort took its place
);

-- What failed in the last run of a node that was not skipped.
CREATE TABLE failing (
  node INTEGER NOT NULL,
  resource TEXT NOT NULL,
  file TEXT NOT NULL,
  line INTEGER NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (node, resource)
);
CREATE INDEX failing_resource ON failing (resource, node);

-- +goose Up

-- How nodes stand. deadline is not after the time at which a node may stand otherwise though
-- nothing is heard of it: runs do not move it, which would cost an index's update each, but
-- who looks at the node then does.
ALTER TABLE nodes ADD COLUMN expected bigint;
ALTER TABLE nodes ADD COLUMN presence text NOT NULL DEFAULT 'unknown';
ALTER TABLE nodes ADD COLUMN troubles int NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN streak int NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN exec_ms bigint;
ALTER TABLE nodes ADD COLUMN cert_ends bigint;
ALTER TABLE nodes ADD COLUMN utc_offset_s int;
ALTER TABLE nodes ADD COLUMN failing int NOT NULL DEFAULT 0; -- rows in the table failing
ALTER TABLE nodes ADD COLUMN deadline bigint;
UPDATE nodes SET expected = CASE WHEN interval_s > 0 THEN last_seen + CAST(interval_s * 1000000 AS bigint) END
  WHERE retired IS NULL;
ALTER TABLE traits ADD COLUMN utc_offset_s int;
CREATE INDEX nodes_deadline ON nodes (deadline) WHERE deadline IS NOT NULL;

-- What is wrong with nodes, as nodes.troubles has it in bits. alert is the one that people
-- were told by, remind when they are told again.
CREATE TABLE troubles (
  node int NOT NULL,
  kind text NOT NULL,
  since bigint NOT NULL,
  reason text NOT NULL,
  acked_at bigint, acked_by text, acked_comment text,
  alert uuid, remind bigint,
  PRIMARY KEY (node, kind)
);
CREATE INDEX troubles_kind ON troubles (kind, reason, since);
CREATE INDEX troubles_alert ON troubles (alert) WHERE alert IS NOT NULL;
CREATE INDEX troubles_remind ON troubles (remind) WHERE remind IS NOT NULL;

-- Troubles that began or ended, committed with what showed it, until they are taken into alerts.
CREATE TABLE changes (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  node int NOT NULL,
  kind text NOT NULL,
  reason text NOT NULL,
  began int NOT NULL,
  since bigint NOT NULL,
  alert uuid, -- of one that ended: the alert that people were told by
  well int NOT NULL -- of one that ended: no other of the same sort took its place
);

-- What failed in the last run of a node that was not skipped.
CREATE TABLE failing (
  node int NOT NULL,
  resource text COLLATE "C" NOT NULL,
  file text NOT NULL,
  line int NOT NULL,
  message text NOT NULL,
  PRIMARY KEY (node, resource)
);
CREATE INDEX failing_resource ON failing (resource, node);

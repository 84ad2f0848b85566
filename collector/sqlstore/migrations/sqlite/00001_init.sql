-- +goose Up

-- Times are microseconds since 1970, durations milliseconds.

CREATE TABLE nodes (
  id INTEGER PRIMARY KEY,
  certname TEXT NOT NULL UNIQUE,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  last_at INTEGER, last_id BLOB, last_outcome TEXT, last_reason TEXT, last_message TEXT, last_ended INTEGER,
  exec_at INTEGER, exec_id BLOB, exec_outcome TEXT, exec_reason TEXT, exec_message TEXT, exec_ended INTEGER,
  start_at INTEGER, start_id BLOB, start_started INTEGER, start_received INTEGER,
  environment TEXT, puppet_version TEXT, agent_version TEXT, disabled TEXT,
  interval_s REAL, next_due INTEGER, timeout_s REAL,
  slot INTEGER, slot_ms INTEGER,
  dropped INTEGER NOT NULL DEFAULT 0,
  retired INTEGER
);

-- What many runs have in common. key is a hash of the rest; used is when a run had it last, about.
CREATE TABLE traits (
  id INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE,
  used INTEGER NOT NULL,
  "trigger" TEXT NOT NULL,
  reason TEXT, message TEXT, environment TEXT, puppet_version TEXT, agent_version TEXT, catalog_source TEXT,
  noop INTEGER, exit_code INTEGER,
  resources_total INTEGER, resources_skipped INTEGER, resources_scheduled INTEGER,
  interval_ms INTEGER, timeout_ms INTEGER
);

-- In the order of the ids, which is nearly that of time: one tree less than a table with rowids. No node is
-- ever removed, so none is looked for with each run by a foreign key.
CREATE TABLE runs (
  id BLOB NOT NULL PRIMARY KEY,
  received INTEGER NOT NULL,
  due INTEGER, started INTEGER, ended INTEGER, next_due INTEGER,
  max_rss INTEGER,
  node INTEGER NOT NULL,
  traits INTEGER NOT NULL,
  config_retrieval_ms INTEGER, catalog_application_ms INTEGER, total_ms INTEGER,
  wall_ms INTEGER, cpu_ms INTEGER, offset_ms INTEGER,
  missed_slots INTEGER, dropped_before INTEGER,
  catalog_uuid BLOB, transaction_uuid BLOB,
  outcome TEXT NOT NULL, config_version TEXT, message TEXT,
  detail BLOB
) WITHOUT ROWID;
CREATE INDEX runs_node ON runs (node, received);
CREATE INDEX runs_received ON runs (received);
CREATE INDEX runs_outcome ON runs (outcome, received) WHERE outcome <> 'unchanged';

-- The run that a node has begun last, until it has ended.
CREATE TABLE starts (
  node INTEGER NOT NULL PRIMARY KEY REFERENCES nodes (id),
  id BLOB NOT NULL UNIQUE,
  received INTEGER NOT NULL,
  run BLOB NOT NULL
);

-- The slots that nodes have, and those that they had: no slot is in neither but those beyond the last.
CREATE TABLE slots (
  interval_ms INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  node INTEGER NOT NULL UNIQUE,
  PRIMARY KEY (interval_ms, slot)
) WITHOUT ROWID;
CREATE TABLE free_slots (
  interval_ms INTEGER NOT NULL,
  slot INTEGER NOT NULL,
  PRIMARY KEY (interval_ms, slot)
) WITHOUT ROWID;

CREATE TABLE tokens (
  name TEXT NOT NULL PRIMARY KEY,
  hash BLOB NOT NULL UNIQUE,
  role TEXT NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER
);

CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  actor TEXT NOT NULL,
  remote TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  result TEXT NOT NULL,
  detail TEXT NOT NULL
);
CREATE INDEX audit_at ON audit (at);

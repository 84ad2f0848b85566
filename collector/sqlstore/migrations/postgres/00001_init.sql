-- +goose Up

-- Times are microseconds since 1970, durations milliseconds.

CREATE TABLE nodes (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  certname text COLLATE "C" NOT NULL UNIQUE,
  first_seen bigint NOT NULL,
  last_seen bigint NOT NULL,
  last_at bigint, last_id uuid, last_outcome text, last_reason text, last_message text, last_ended bigint,
  exec_at bigint, exec_id uuid, exec_outcome text, exec_reason text, exec_message text, exec_ended bigint,
  start_at bigint, start_id uuid, start_started bigint, start_received bigint,
  environment text, puppet_version text, agent_version text, disabled text,
  interval_s double precision, next_due bigint, timeout_s double precision,
  slot int, slot_ms bigint,
  dropped bigint NOT NULL DEFAULT 0,
  retired bigint
) WITH (fillfactor = 50); -- room for a row's next version beside it

-- What many runs have in common. key is a hash of the rest; used is when a run had it last, about.
CREATE TABLE traits (
  id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  key bytea NOT NULL UNIQUE,
  used bigint NOT NULL,
  "trigger" text NOT NULL,
  reason text, message text, environment text, puppet_version text, agent_version text, catalog_source text,
  noop int, exit_code int,
  resources_total int, resources_skipped int, resources_scheduled int,
  interval_ms bigint, timeout_ms bigint
);

-- The widest columns come first, so that none has to be padded. No node is ever removed, so none
-- is looked for with each run by a foreign key.
CREATE TABLE runs (
  id uuid NOT NULL PRIMARY KEY,
  received bigint NOT NULL,
  due bigint, started bigint, ended bigint, next_due bigint,
  max_rss bigint,
  node int NOT NULL,
  traits int NOT NULL,
  config_retrieval_ms int, catalog_application_ms int, total_ms int,
  wall_ms int, cpu_ms int, offset_ms int,
  missed_slots int, dropped_before int,
  catalog_uuid uuid, transaction_uuid uuid,
  outcome text COLLATE "C" NOT NULL, config_version text, message text,
  detail bytea
);
CREATE INDEX runs_node ON runs (node, received);
CREATE INDEX runs_received ON runs (received);
CREATE INDEX runs_outcome ON runs (outcome, received) WHERE outcome <> 'unchanged';

-- The run that a node has begun last, until it has ended.
CREATE TABLE starts (
  node int NOT NULL PRIMARY KEY REFERENCES nodes (id),
  id uuid NOT NULL UNIQUE,
  received bigint NOT NULL,
  run bytea NOT NULL
);

-- The slots that nodes have, and those that they had: no slot is in neither but those beyond the last.
CREATE TABLE slots (
  interval_ms bigint NOT NULL,
  slot int NOT NULL,
  node int NOT NULL UNIQUE,
  PRIMARY KEY (interval_ms, slot)
);
CREATE TABLE free_slots (
  interval_ms bigint NOT NULL,
  slot int NOT NULL,
  PRIMARY KEY (interval_ms, slot)
);

CREATE TABLE tokens (
  name text COLLATE "C" NOT NULL PRIMARY KEY,
  hash bytea NOT NULL UNIQUE,
  role text NOT NULL,
  created bigint NOT NULL,
  expires bigint
);

CREATE TABLE audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at bigint NOT NULL,
  actor text NOT NULL,
  remote text NOT NULL,
  action text NOT NULL,
  target text NOT NULL,
  result text NOT NULL,
  detail text NOT NULL
);
CREATE INDEX audit_at ON audit (at);

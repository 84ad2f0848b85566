-- +goose Up

-- What people were told. An open one tells of many nodes, of which members still have the
-- trouble; moved is when that number was stored last. detail is all of it, compressed.
CREATE TABLE alerts (
  id uuid NOT NULL PRIMARY KEY,
  at bigint NOT NULL,
  kind text NOT NULL,
  reason text NOT NULL,
  since bigint NOT NULL,
  grouped int NOT NULL,
  about uuid, -- of a reminder and a recovery: what was told first
  open int NOT NULL,
  nodes int NOT NULL,
  members int NOT NULL,
  moved bigint NOT NULL,
  remind bigint,
  detail bytea NOT NULL
);
CREATE INDEX alerts_at ON alerts (at, id);
CREATE INDEX alerts_open ON alerts (open) WHERE open = 1;

-- The way of each alert to each webhook. due is NULL once it has ended, by being taken or given
-- up. Whoever sends one makes it due later first, and has it to himself until then.
CREATE TABLE deliveries (
  id uuid NOT NULL PRIMARY KEY,
  alert uuid NOT NULL,
  webhook text NOT NULL,
  created bigint NOT NULL,
  due bigint,
  tries int NOT NULL DEFAULT 0,
  error text NOT NULL DEFAULT '',
  ended bigint
);
CREATE INDEX deliveries_due ON deliveries (webhook, due) WHERE due IS NOT NULL;
CREATE INDEX deliveries_alert ON deliveries (alert);
CREATE INDEX deliveries_failed ON deliveries (ended) WHERE error <> '' AND due IS NULL;

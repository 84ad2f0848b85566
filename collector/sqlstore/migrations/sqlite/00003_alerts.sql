-- +goose Up

-- What people were told. An open one tells of many nodes, of which members still have the
-- trouble; moved is when that number was stored last. detail is all of it, compressed.
CREATE TABLE alerts (
  id BLOB NOT NULL PRIMARY KEY,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  since INTEGER NOT NULL,
  grouped INTEGER NOT NULL,
  about BLOB, -- of a reminder and a recovery: what was told first
  open INTEGER NOT NULL,
  nodes INTEGER NOT NULL,
  members INTEGER NOT NULL,
  moved INTEGER NOT NULL,
  remind INTEGER,
  detail BLOB NOT NULL
);
CREATE INDEX alerts_at ON alerts (at, id);
CREATE INDEX alerts_open ON alerts (open) WHERE open = 1;

-- The way of each alert to each webhook. due is NULL once it has ended, by being taken or given
-- up. Whoever sends one makes it due later first, and has it to himself until then.
CREATE TABLE deliveries (
  id BLOB NOT NULL PRIMARY KEY,
  alert BLOB NOT NULL,
  webhook TEXT NOT NULL,
  created INTEGER NOT NULL,
  due INTEGER,
  tries INTEGER NOT NULL DEFAULT 0,
  error TEXT NOT NULL DEFAULT '',
  ended INTEGER
);
CREATE INDEX deliveries_due ON deliveries (webhook, due) WHERE due IS NOT NULL;
CREATE INDEX deliveries_alert ON deliveries (alert);
CREATE INDEX deliveries_failed ON deliveries (ended) WHERE error <> '' AND due IS NULL;

-- +goose Up

-- One row: since when nodes are listened to without a break, and when somebody last said so.

CREATE TABLE listening (
  one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  since INTEGER NOT NULL,
  until INTEGER NOT NULL
);

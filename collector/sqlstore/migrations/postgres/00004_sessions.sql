-- +goose Up

-- Of people who have logged in with a browser. token is the name of the token that they came with; NULL: a
-- certificate, which is looked at each time.

CREATE TABLE sessions (
  hash bytea NOT NULL PRIMARY KEY,
  form bytea NOT NULL,
  token text COLLATE "C",
  created bigint NOT NULL,
  expires bigint NOT NULL
);
CREATE INDEX sessions_expires ON sessions (expires);

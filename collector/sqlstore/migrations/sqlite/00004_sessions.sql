-- +goose Up

-- Of people who have logged in with a browser. token is the name of the token that they came with; NULL: a
-- certificate, which is looked at each time.

CREATE TABLE sessions (
  hash BLOB NOT NULL PRIMARY KEY,
  form BLOB NOT NULL,
  token TEXT,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL
);
CREATE INDEX sessions_expires ON sessions (expires);

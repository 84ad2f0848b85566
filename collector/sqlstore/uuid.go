package sqlstore

import (
	"encoding/hex"
	"fmt"

	"github.com/puppet-cron/puppet-cron/api"
)

// packID makes the 16 bytes of a UUID that api.ValidID accepts; nil of any other text.
func packID(s string) []byte {
	if !api.ValidID(s) {
		return nil
	}
	b, err := hex.DecodeString(s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:])
	if err != nil {
		return nil
	}
	return b
}

// unpackID makes the text of 16 bytes.
func unpackID(b []byte) string {
	if len(b) != 16 {
		return ""
	}
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// scanID reads a UUID as either database gives it: bytes, or text. NULL is "".
type scanID string

// Scan implements sql.Scanner.
func (id *scanID) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*id = ""
	case string:
		*id = scanID(v)
	case []byte:
		*id = scanID(unpackID(v))
	default:
		return fmt.Errorf("a UUID is a %T", v)
	}
	return nil
}

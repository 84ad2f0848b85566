package collector

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

// tokenPrefix lets people, and programs that look for leaked secrets, know a token.
const tokenPrefix = "pcc_"

// NewToken makes a secret and the hash by which it is kept. With 256 random bits the
// secret needs no slow hash: it cannot be guessed from a stolen one.
func NewToken() (secret string, hash [32]byte) {
	var random [32]byte
	_, _ = rand.Read(random[:]) // never fails: see crypto/rand
	secret = tokenPrefix + base64.RawURLEncoding.EncodeToString(random[:])
	return secret, sha256.Sum256([]byte(secret))
}

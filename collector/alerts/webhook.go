package alerts

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/puppet-cron/puppet-cron/internal/printable"
)

// Webhook is where people are told.
type Webhook struct {
	Name       string
	URL        string
	SecretFile string // "": what is sent is not signed
}

const (
	// sendTimeout bounds one try, from the connection to the answer.
	sendTimeout = 10 * time.Second
	// maxReply is how much of an answer is read, maxSaid how much of it is shown.
	maxReply = 4 << 10
	maxSaid  = 200
	// maxSecret bounds a secret's file.
	maxSecret = 4 << 10
)

// newClient follows no redirect, for what is sent was meant for nobody else.
func newClient() *http.Client {
	return &http.Client{
		Timeout:       sendTimeout,
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 1, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// payload is the body that a webhook gets.
type payload struct {
	DeliveryID string `json:"delivery_id"`
	*Alert
}

// send posts a delivery. Its headers and its signature are those of Standard Webhooks
// (standardwebhooks.com, version 1.0). The error is fit for people: no URL and no secret is in it.
func (h *Webhook) send(ctx context.Context, client *http.Client, d *Delivery, now time.Time) error {
	body, err := json.Marshal(payload{d.ID, d.Alert})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("the URL cannot be used")
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "puppet-cron-collector")
	req.Header.Set("Webhook-Id", d.ID)
	req.Header.Set("Webhook-Timestamp", stamp)
	if h.SecretFile != "" {
		secret, err := readSecret(h.SecretFile)
		if err != nil {
			return err
		}
		req.Header.Set("Webhook-Signature", Sign(secret, d.ID, stamp, body))
	}
	resp, err := client.Do(req)
	if err != nil {
		return withoutURL(err)
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, maxReply)) // the status has said all that matters
	if resp.StatusCode/100 == 2 {
		return nil
	}
	return fmt.Errorf("the answer is %d: %s", resp.StatusCode, printable.Short(string(said), maxSaid))
}

// withoutURL is an error of a client without what it was sent to: people put secrets into URLs.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// Sign makes the signature of a body: v1, and the HMAC-SHA256 of id, timestamp and body, with a
// dot in between, in base64.
func Sign(secret []byte, id, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s.%s.", id, stamp)
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Check says whether what is sent can be signed. The file is read each time, so this is for telling early.
func (h *Webhook) Check() error {
	if h.SecretFile == "" {
		return nil
	}
	if _, err := readSecret(h.SecretFile); err != nil {
		return fmt.Errorf("alerts.webhooks: %s: %w", h.Name, err)
	}
	return nil
}

// readSecret reads a file each time, so that a changed one counts. whsec_ is in front of a secret
// in base64; what is anything else is the secret as it stands.
func readSecret(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("secret_file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, fmt.Errorf("secret_file: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("secret_file: %s is no plain file", path)
	case info.Mode().Perm()&0o004 != 0:
		return nil, fmt.Errorf("secret_file: %w: everybody on this host may read it: chmod 640 %s", fs.ErrPermission, path)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSecret))
	if err != nil {
		return nil, fmt.Errorf("secret_file: %w", err)
	}
	text := strings.TrimSpace(string(data))
	if text == "" {
		return nil, fmt.Errorf("secret_file: %s is empty", path)
	}
	if encoded, ok := strings.CutPrefix(text, "whsec_"); ok {
		secret, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return nil, fmt.Errorf("secret_file: what follows whsec_ in %s is not base64", path)
		}
		return secret, nil
	}
	return []byte(text), nil
}

package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"sort"
	"strings"
	"time"
)

// credentials are those of the function's role.
type credentials struct{ id, secret, token string }

// sign signs a POST request to the path "/" without a query, with Signature Version
// 4 (IAM user guide, "Create a signed AWS API request"). All of its fields are
// signed, and Host.
func sign(r *http.Request, body []byte, keys credentials, region, service string, now time.Time) {
	stamp := now.UTC().Format("20060102T150405Z")
	r.Header.Set("X-Amz-Date", stamp)
	if keys.token != "" {
		r.Header.Set("X-Amz-Security-Token", keys.token)
	}
	fields := map[string]string{"host": r.URL.Host}
	for name, values := range r.Header {
		fields[strings.ToLower(name)] = strings.TrimSpace(values[0])
	}
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	sort.Strings(names)
	canonical := r.Method + "\n/\n\n"
	for _, name := range names {
		canonical += name + ":" + fields[name] + "\n"
	}
	signed := strings.Join(names, ";")
	canonical += "\n" + signed + "\n" + digest(body)

	day := stamp[:8]
	scope := day + "/" + region + "/" + service + "/aws4_request"
	toSign := "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + digest([]byte(canonical))
	key := []byte("AWS4" + keys.secret)
	for _, part := range []string{day, region, service, "aws4_request"} {
		key = mac(key, part)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+keys.id+"/"+scope+
		", SignedHeaders="+signed+", Signature="+hex.EncodeToString(mac(key, toSign)))
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

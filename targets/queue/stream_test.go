package queue

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAnEntryThatWasDeletedIsLeftOut has an answer of Redis 6.2; since 7 there is no nil.
func TestAnEntryThatWasDeletedIsLeftOut(t *testing.T) {
	list, err := readMessages([]any{nil, []any{[]byte("1-0"), []any{[]byte("body"), []byte("one")}}})
	if err != nil || len(list) != 1 || list[0].id != "1-0" {
		t.Errorf("got %v, %v", list, err)
	}
	if list, err := readMessages([]any{[]any{[]byte("1-0")}}); err == nil {
		t.Errorf("an entry without fields is %v", list)
	}
}

func TestAURLSaysWhereAStreamIs(t *testing.T) {
	for text, want := range map[string]address{
		"redis://queue/0/orders":                       {host: "queue:6379", stream: "orders"},
		"rediss://shop@redis.example.com:6380/3/a%2Fb": {tls: true, host: "redis.example.com:6380", user: "shop", database: 3, stream: "a/b"},
		"redis://[::1]/0/shop:orders":                  {host: "[::1]:6379", stream: "shop:orders"},
	} {
		got, err := parseURL(text)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(address{})); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", text, err, diff)
		}
	}
}

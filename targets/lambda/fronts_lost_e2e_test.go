//go:build e2e

package lambda

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/twofoldhq/twofold/manifest/schema"
)

// TestFrontsWhoseCallsAreLost loses the answer to each call that changes something, once:
// one deploy, one that drops the front, and one destroy are enough all the same.
func TestFrontsWhoseCallsAreLost(t *testing.T) {
	for _, front := range []string{"api", "alb"} {
		t.Run(front, func(t *testing.T) {
			c := beside(t)
			c.set(nil, healthyApp)
			listener := ""
			if front == "alb" {
				listener = c.listenerIn(t, "lost", c.othersCertificate(t, "shop.example.org"))
			}
			for n := 1; ; n++ {
				parent := fmt.Sprintf("lost%d.example.com", n)
				zone := c.zoneOf(t, parent)
				values := schema.Values{"public": front, "hosted_zone": zone}
				if listener != "" {
					values["listener"] = listener
				}
				d := hosted(fmt.Sprintf("lost-%s-%d", front, n), "api."+parent)
				writes, lost, issued := 0, false, issuedByRecord()
				c.set(func(one call) verdict {
					v := issued(one)
					if one.reads() || lost {
						return v
					}
					switch one.service {
					case "lambda", "logs", "iam":
						return v
					}
					if writes++; writes < n {
						return v
					}
					lost = true
					t.Logf("lost: %s", one)
					v.after = true
					return v
				}, healthyApp)
				plain := d
				plain.Domain = ""
				if _, err := c.quick(t, nil).Deploy(t.Context(), plain); err != nil {
					t.Fatal(err)
				}
				if _, err := c.quick(t, values).Deploy(t.Context(), d); err != nil {
					t.Errorf("deploy: %v", err)
				}
				if n%2 == 0 { // half of them are dropped by the manifest, the others by destroy
					if _, err := c.quick(t, nil).Deploy(t.Context(), plain); err != nil {
						t.Errorf("deploy without it: %v", err)
					}
				}
				if _, err := c.quick(t, nil).Destroy(t.Context(), d.Key); err != nil {
					t.Errorf("destroy: %v", err)
				}
				c.set(nil, healthyApp)
				c.nothingHosted(t, zone)
				if !lost {
					t.Logf("%d calls were lost", n-1)
					return
				}
			}
		})
	}
}

// Route 53 refuses to delete a record that is gone, as it is when the answer to the first
// try was lost. moto does not.
func TestRecordsThatAreGoneAreNoError(t *testing.T) {
	c := beside(t)
	c.set(nil, healthyApp)
	zone, host := c.zoneOf(t, "gone.example.com"), "api.gone.example.com"
	s, to := c.session(t), place{host: "d-gone.execute-api.eu-west-1.amazonaws.com", zone: "ZLY8HYME6SFDD"}
	remember := func() error { return nil }
	refuse := awsError(http.StatusBadRequest, "InvalidChangeBatch", "Tried to delete resource record set, but it was not found")
	for _, gone := range []bool{true, false} {
		c.set(nil, healthyApp)
		if _, err := s.point(t.Context(), host, to, zone, zone, remember); err != nil {
			t.Fatal(err)
		}
		deleting := false
		c.set(func(one call) verdict {
			if deleting || one.reads() {
				return verdict{}
			}
			deleting = true
			if gone {
				if _, err := s.unpoint(t.Context(), zone, host, to); err != nil {
					t.Error(err)
				}
			}
			return verdict{answer: refuse}
		}, healthyApp)
		if _, err := s.unpoint(t.Context(), zone, host, to); (err == nil) != gone {
			t.Errorf("records that are gone %t: %v", gone, err)
		}
	}
}

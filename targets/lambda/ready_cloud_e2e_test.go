//go:build e2e

package lambda

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// moto has no provisioned concurrency. This is the part of it that the API reference
// describes: instances are in progress at first, and of one version a call each.

var readyPath = regexp.MustCompile(`^/2019-09-30/functions/([^/]+)/provisioned-concurrency$`)

type provision struct {
	count int32
	// looks is how often it was listed; instances are ready at the second time.
	looks int
	fails bool
}

// readyFails is a number of instances that the stand-in for AWS cannot keep.
const readyFails = 666

func (c *cloud) provisioned(w *answer, r *http.Request, function string, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ready == nil {
		c.ready = map[string]*provision{}
	}
	key := function + ":" + r.URL.Query().Get("Qualifier")
	switch r.Method {
	case http.MethodPut:
		var in struct{ ProvisionedConcurrentExecutions int32 }
		if err := json.Unmarshal(body, &in); err != nil || in.ProvisionedConcurrentExecutions < 1 {
			w.status = http.StatusBadRequest
			return
		}
		c.ready[key] = &provision{count: in.ProvisionedConcurrentExecutions, fails: in.ProvisionedConcurrentExecutions == readyFails}
		w.status = http.StatusAccepted
		fmt.Fprint(&w.body, "{}")
	case http.MethodDelete:
		if c.ready[key] == nil {
			w.header.Set("X-Amzn-Errortype", "ProvisionedConcurrencyConfigNotFoundException")
			w.status = http.StatusNotFound
			fmt.Fprint(&w.body, `{"Message": "there is none"}`)
			return
		}
		delete(c.ready, key)
		w.status = http.StatusNoContent
	default:
		list := []map[string]any{}
		for name, one := range c.ready {
			if !strings.HasPrefix(name, function+":") {
				continue
			}
			one.looks++
			status := types.ProvisionedConcurrencyStatusEnumInProgress
			switch {
			case one.fails:
				status = types.ProvisionedConcurrencyStatusEnumFailed
			case one.looks > 1:
				status = types.ProvisionedConcurrencyStatusEnumReady
			}
			list = append(list, map[string]any{
				"FunctionArn": "arn:aws:lambda:eu-west-1:123456789012:function:" + name, "RequestedProvisionedConcurrentExecutions": one.count,
				"Status": status, "StatusReason": map[bool]string{true: "FUNCTION_ERROR_INIT_FAILURE"}[one.fails],
			})
		}
		_ = json.NewEncoder(&w.body).Encode(map[string]any{"ProvisionedConcurrencyConfigs": list})
	}
}

// readyOf says how many instances of each version are kept ready.
func (c *cloud) readyOf(function string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var list []string
	for name, one := range c.ready {
		if version, ok := strings.CutPrefix(name, function+":"); ok {
			list = append(list, fmt.Sprintf("%s=%d", version, one.count))
		}
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

//go:build e2e

package lambda

import (
	"net/http"
	"sort"
	"strings"
	"sync"

	"github.com/aws/smithy-go/encoding/cbor"

	"github.com/twofoldhq/twofold/targets"
)

// watch answers for CloudWatch: moto does not speak the protocol that the SDK uses
// there. What was not counted has no value, as on AWS.
type watch struct {
	mu sync.Mutex
	// values are by dimensions, metric and statistic: "shop-api-x shop-api-x:live 2 Errors Sum".
	values map[string]float64
}

// count is what a version has done for the alias; "" is all of the versions.
func (w *watch) count(k targets.Key, version string, requests, failed float64) {
	w.set(k, version, "Invocations Sum", requests)
	w.set(k, version, "Errors Sum", failed)
}

func (w *watch) set(k targets.Key, version, metric string, value float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.values == nil {
		w.values = map[string]float64{}
	}
	name := functionName(k)
	words := strings.Fields(name + " " + name + ":live " + version + " " + metric)
	w.values[strings.Join(words, " ")] = value
}

func (w *watch) answer(to *answer, body []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	in, err := cbor.Decode(body)
	if err != nil {
		to.WriteHeader(http.StatusBadRequest)
		return
	}
	var results cbor.List
	for _, q := range in.(cbor.Map)["MetricDataQueries"].(cbor.List) {
		query := q.(cbor.Map)
		values := cbor.List{}
		if value, ok := w.values[metricKey(query["MetricStat"].(cbor.Map))]; ok {
			values = append(values, cbor.Float64(value))
		}
		results = append(results, cbor.Map{"Id": query["Id"], "Values": values, "StatusCode": cbor.String("Complete")})
	}
	to.Header().Set("Content-Type", "application/cbor")
	to.Header().Set("Smithy-Protocol", "rpc-v2-cbor")
	to.body.Write(cbor.Encode(cbor.Map{"MetricDataResults": results}))
}

// metricKey is the key in watch.values.
func metricKey(stat cbor.Map) string {
	metric := stat["Metric"].(cbor.Map)
	order := map[string]int{"FunctionName": 1, "Resource": 2, "ExecutedVersion": 3}
	of := metric["Dimensions"].(cbor.List)
	name := func(n int) string { return string(of[n].(cbor.Map)["Name"].(cbor.String)) }
	sort.Slice(of, func(a, b int) bool { return order[name(a)] < order[name(b)] })
	var words []string
	for _, one := range of {
		words = append(words, string(one.(cbor.Map)["Value"].(cbor.String)))
	}
	return strings.Join(append(words, string(metric["MetricName"].(cbor.String)), string(stat["Stat"].(cbor.String))), " ")
}

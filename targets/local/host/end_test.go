package host

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
)

func TestSupervisorThatEndsSaysSo(t *testing.T) {
	s := newSupervisor(Layout{Dir: t.TempDir()}, Build{}, nil)
	s.watchIdle()
	hello := func() (h Hello) {
		w := httptest.NewRecorder()
		s.handler().ServeHTTP(w, httptest.NewRequest("GET", "/hello", nil))
		if err := json.Unmarshal(w.Body.Bytes(), &h); err != nil {
			t.Fatal(err)
		}
		return h
	}
	if hello().Ending {
		t.Error("it says that it ends before it does")
	}
	s.end()
	if !hello().Ending {
		t.Error("one that ends would be taken for one that runs")
	}
}

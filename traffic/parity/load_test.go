package parity

import "testing"

func TestHTTPBinFileLoads(t *testing.T) {
	s, err := Load("../../examples/httpbin/requests.hcl")
	if err != nil {
		t.Fatal(err)
	}
	t.Log(len(s.Requests))
}

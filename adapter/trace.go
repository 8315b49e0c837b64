package main

import "strings"

// appendTraceparent appends the field of W3C Trace Context that says the same as the
// X-Ray trace id, "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1":
// root and parent are the same numbers in both, written in other groups ("Tracing
// header", developer guide of AWS X-Ray). What is not of that form is left out.
func appendTraceparent(h []byte, trace string) []byte {
	var root, parent string
	flags := "00"
	for part := range strings.SplitSeq(trace, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case name == "Root":
			root = value
		case name == "Parent":
			parent = value
		case name == "Sampled" && value == "1":
			flags = "01"
		}
	}
	if len(root) != 35 || root[:2] != "1-" || root[10] != '-' || len(parent) != 16 {
		return h
	}
	id := root[2:10] + root[11:]
	if !isID(id) || !isID(parent) {
		return h
	}
	return append(h, "Traceparent: 00-"+id+"-"+parent+"-"+flags+"\r\n"...)
}

// isID reports whether id is lower-case hexadecimal and not zero.
func isID(id string) bool {
	zero := true
	for i := range len(id) {
		c := id[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
		zero = zero && c == '0'
	}
	return !zero
}

package parity

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestDocsHaveTheSameTableOfHeaders(t *testing.T) {
	page, err := os.ReadFile("../../docs/parity.md")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	for _, h := range BuiltIn() {
		fmt.Fprintf(&table, "| `%s` | %s |\n", h.Name, h.Reason)
	}
	if !strings.Contains(string(page), "| --- | --- |\n"+table.String()+"\n") {
		t.Errorf("docs/parity.md must hold this table:\n%s", table.String())
	}
}

func TestDocsNameAllThatAFileTakes(t *testing.T) {
	page, err := os.ReadFile("../../docs/parity.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range append(fileSchema.Attributes, append(requestSchema.Attributes, partSchema.Attributes...)...) {
		if !strings.Contains(string(page), a.Name) {
			t.Errorf("docs/parity.md does not mention %s", a.Name)
		}
	}
}
